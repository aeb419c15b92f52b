"""Checkpoints: what a wider-scoped fixture wrote belongs to the baseline for as long as the fixture lives.

There is no API to learn: around each set-up of such a fixture the state of every worker database, of the environment
and of the dependency overrides is noted, and what was changed becomes a layer of the baseline.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hermetic.events import emit, listeners
from hermetic.events.lifecycle import LayerBegan, LayerEnded
from hermetic.guards.mapping import Guard, MappingStart
from hermetic.owners import Owner
from hermetic.steps import every_step

if TYPE_CHECKING:
    from hermetic.database.layers import Layer, Start
    from hermetic.database.protocols import WorkerDatabase


@dataclass
class Frame:
    """A wider-scoped fixture (or lifespan) in its set-up: the state of everything before."""

    owner: Owner
    databases: dict[int, tuple[WorkerDatabase, Start]] = field(default_factory=dict)
    mappings: list[tuple[Guard[Any, Any], MappingStart[Any, Any]]] = field(default_factory=list)


@dataclass
class FixtureLayers:
    """What a living wider-scoped fixture added to the baseline."""

    databases: list[tuple[WorkerDatabase, Layer]] = field(default_factory=list)
    mappings: list[tuple[Guard[Any, Any], Any]] = field(default_factory=list)


class Checkpoints:
    """Takes what wider-scoped fixtures write into the baseline, and out of it again.

    Args:
        databases: Returns the worker databases that exist.
        guards: Returns the guards of the mappings that are watched.
        before: Called with a fixture before its set-up, and its state before, is looked at.
        after: Called with it when its set-up is over.
        look: Learns of databases that were made, unseen perhaps: by this owner, or (None) by whoever is at work.
        wrote: Called with each database that it wrote to.
    """

    def __init__(
        self,
        databases: Callable[[], list[WorkerDatabase]],
        guards: Callable[[], list[Guard[Any, Any]]],
        *,
        before: Callable[[Owner], None] = lambda owner: None,
        after: Callable[[Owner], None] = lambda owner: None,
        look: Callable[[Owner | None], None] = lambda owner: None,
        wrote: Callable[[WorkerDatabase], None] = lambda database: None,
    ) -> None:
        self._before = before
        self._after = after
        self._look = look
        self._wrote = wrote
        self._databases = databases
        self._guards = guards
        self._frames: list[Frame] = []
        self._layers: dict[int, FixtureLayers] = {}

    def begin(self, owner: Owner) -> Frame:
        """Note the state before the set-up of a fixture that outlives a test; calls nest.

        Raises:
            LayerConflict: The fixture that asks for it builds on what the test wrote before.
        """
        self._before(owner)
        frame = Frame(owner)
        self._frames.append(frame)
        try:
            self._look(None)
            for guard in self._guards():
                frame.mappings.append((guard, guard.begin_layer()))
            for database in self._databases():
                frame.databases[id(database)] = (database, database.begin_layer())
        except BaseException:  # else what has begun would take what later tests write
            self.end(frame)
            raise
        return frame

    def end(self, frame: Frame) -> None:
        """Take what the fixture's set-up wrote into the baseline.

        Raises:
            LayerConflict: It builds on what the test wrote before it asked for the fixture.
        """
        self._frames.remove(frame)
        try:
            self._take(frame)
        finally:
            self._after(frame.owner)

    def _take(self, frame: Frame) -> None:
        layers = self._layers[id(frame.owner)] = FixtureLayers()
        with every_step() as step:
            with step:
                self._look(frame.owner)
            for guard, before in frame.mappings:
                with step:
                    mapping_layer = guard.end_layer(before)
                    if mapping_layer is not None:
                        layers.mappings.append((guard, mapping_layer))
            for database, start in frame.databases.values():
                with step:
                    layer = database.end_layer(start, frame.owner)
                    if layer is not None:
                        layers.databases.append((database, layer))
                        self._wrote(database)
        if LayerBegan in listeners:
            emit(LayerBegan(frame.owner, tuple(database.name for database, _ in layers.databases)))

    def finish(self, owner: Owner, *, at_once: bool = False) -> None:
        """Take the fixture's part out of the baseline, after its teardown.

        Args:
            owner: The fixture.
            at_once: Take it out of the databases too, if nothing else was written: the next test has begun already, as
                when a fixture ends because a test asks for its next parameter.

        Raises:
            LayerConflict: Another living fixture built on what this one wrote.
        """
        owner.alive = False
        layers = self._layers.pop(id(owner), FixtureLayers())
        with every_step() as step:
            for guard, mapping_layer in layers.mappings:
                with step:
                    guard.remove_layer(mapping_layer)
            for database, layer in layers.databases:
                with step:
                    is_clean = at_once and not database.dirty()
                    with step:
                        database.remove_layer(layer)
                    if is_clean:
                        database.restore()
            if LayerEnded in listeners:
                emit(LayerEnded(owner))

    def note_created(self, database: WorkerDatabase) -> None:
        """A database that is made while fixtures are in their set-up starts empty for each of them."""
        for frame in self._frames:
            frame.databases[id(database)] = (database, database.begin_layer())

    def note_dropped(self, database: WorkerDatabase) -> None:
        """A database that goes takes with it what fixtures wrote there."""
        for frame in self._frames:
            frame.databases.pop(id(database), None)
        for layers in self._layers.values():
            layers.databases = [(each, layer) for each, layer in layers.databases if each is not database]

    def note_guard(self, guard: Guard[Any, Any]) -> None:
        """A mapping that is watched from now on starts as it is for each fixture in its set-up."""
        for frame in self._frames:
            frame.mappings.append((guard, guard.begin_layer()))
