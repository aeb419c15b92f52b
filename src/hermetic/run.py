"""One run of a test suite, from its start to its stop, and what happens when a test begins and ends.

The pytest plugin translates pytest's objects into calls of this class and of its parts, and knows no more; nothing here
knows pytest. ``start`` (before any conftest) sets the environment and contains the engines; the application is imported
and the first worker database built when something first asks for them; ``begin_test`` and ``end_test`` bracket a test;
``checkpoints`` brackets the life of wider-scoped fixtures.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hermetic import owners
from hermetic.containment import Containment
from hermetic.environment import Environment
from hermetic.errors import HermeticError
from hermetic.events import emit, listeners
from hermetic.events.database import ReferenceBroken
from hermetic.events.lifecycle import Breach, CallRaised, DatabaseKept, TaskLeft, TestBegan, TestEnded
from hermetic.filling import Filling
from hermetic.guards.applications import ApplicationWatch
from hermetic.guards.background import Background, ends_with_a_call, ends_with_a_test
from hermetic.guards.checkpoints import Checkpoints
from hermetic.guards.coroutines import Drops, UnawaitedWatch, UnrunWatch
from hermetic.guards.exit_watch import ExitWatch
from hermetic.guards.leaks import Leaks, RawLeaks
from hermetic.guards.left_in_memory import LeftInMemory
from hermetic.guards.loop_resources import LoopResources
from hermetic.guards.quiet import Quiet
from hermetic.guards.restoring import Restoring
from hermetic.guards.shared_mappings import SharedMappings
from hermetic.guards.stuck import StuckWatch
from hermetic.guards.tasks_left import LostExceptionWatch, TaskWatch
from hermetic.guards.threads import ThreadsLeftWatch, ThreadWatch
from hermetic.guards.uncommitted import UncommittedRequests
from hermetic.guards.unused_overrides import UnusedOverrides
from hermetic.guards.watches import Watches
from hermetic.loading import Application
from hermetic.owners import Owner
from hermetic.provider import Provider
from hermetic.settings import Background as BackgroundMode
from hermetic.settings import Level, Settings
from hermetic.steps import every_step

if TYPE_CHECKING:
    from hermetic.database.registry import Databases
    from hermetic.guards.loop_blocked import BlockedWatch

NEVER: Hashable = object()


class Run:
    """The state of one run.

    Args:
        settings: What the project asked for; its mode is ``observe`` or ``on``.
        root: The project's folder.
        temporary: Folders whose database files are a test's own business.
        worker: Which process of the run this is: ``main``, or the xdist worker's name.

    Attributes:
        ending: The scopes that end now.
    """

    def __init__(
        self, settings: Settings, *, root: Path, temporary: tuple[Path, ...], worker: str = "main"
    ) -> None:
        self.settings = settings
        self.root = root
        self.ending: frozenset[str] = frozenset({"function"})
        self.loop_resources = LoopResources()
        self.environment = Environment(settings, root, lambda: self.databases.primary_url)
        self.checkpoints = Checkpoints(
            lambda: self.containment.all(),
            lambda: [*self._mappings.guards, *self.restoring.identities],
            before=lambda owner: self.quiet.begin_set_up(owner),
            look=lambda owner: self.databases.inventory.look(owner),
            after=lambda owner: self.quiet.end_set_up(owner),
            wrote=lambda database: self.containment.tell_of_write(database),
        )
        application = Application(
            settings.app,
            before=lambda: self.containment.begin(),  # while it is being imported, which takes longer
            imported=lambda: self._applications.install(),
            made=lambda found: self._mappings.note([found]),
        )
        self.filling = Filling(
            settings, root, application, lambda: self.databases, lambda: self._applications.is_up
        )
        self.provider = Provider(
            settings, self.environment, application, self.filling, lambda: self.databases
        )
        self.containment = Containment(
            settings,
            root,
            temporary=temporary,
            worker=worker,
            environment=self.environment,
            build=self.filling.build,
            checkpoints=self.checkpoints,
            prepare=self.provider.prepare,
            quiet=lambda: self.quiet,
        )
        self._mappings = SharedMappings(
            self.checkpoints.note_guard, settings.mode, lambda app: self._applications.is_kept_up(app)
        )
        self._applications = ApplicationWatch(lambda loop: self.background.note_loop(loop), self.filling.left)
        self._threads = ThreadWatch()
        self._exit_watch = ExitWatch(self._threads.started)
        self._drops = Drops()
        self.watches = Watches(
            {
                "memory": lambda: LeftInMemory(self.containment.installation.in_memory_of_tests),
                "overrides": lambda: UnusedOverrides(self._applications, self._mappings.overrides),
                "uncommitted": self._uncommitted,
                "unawaited": lambda: UnawaitedWatch(self._drops),
                "unrun": lambda: UnrunWatch(self._drops),
                "tasks": lambda: TaskWatch(lambda: self._tasks_left),
                "lost_exceptions": LostExceptionWatch,
                "stuck": lambda: StuckWatch(lambda: self._is_on and self.watches.levels["stuck"] == "error"),
                "threads": lambda: ThreadsLeftWatch(self._threads.started),
                "blocking": self._blocking,
            }
        )
        self._is_on = settings.mode == "on"
        self._boundary: Hashable = NEVER
        self._test_is_open = False
        self._tasks_left: list[TaskLeft] = []

    # -- the parts that need engines

    @property
    def databases(self) -> Databases:
        """The worker databases of this process."""
        return self.containment.databases

    @cached_property
    def background(self) -> Background:
        """What tests leave running."""
        from hermetic.database.engines import is_in_a_driver

        return Background(self.containment.installation.checked_out, is_in_a_driver)

    @cached_property
    def leaks(self) -> Leaks:
        """What ends the connections that tests left open."""
        opened = self.containment.raw
        raw = None if opened is None else RawLeaks(opened, self.databases.is_test_code)
        return Leaks(self.containment.installation, raw, self.containment.all)

    def _blocking(self) -> BlockedWatch:
        from hermetic.guards.loop_blocked import BlockedWatch

        return BlockedWatch(
            lambda: self.background.loops, self.settings.blocking_seconds, self.databases.is_test_code
        )

    @cached_property
    def quiet(self) -> Quiet:
        """What lets others finish before a restore."""
        engines = self.containment.installation
        return Quiet(engines.gate, self.containment.uses, lambda: {*self.background.loops, *engines.loops()})

    @cached_property
    def restoring(self) -> Restoring:
        """What brings the databases back to their baseline."""
        contained = self.containment
        return Restoring(
            self.settings.mode, self.databases, contained.all, self.quiet, contained.tell_of_write
        )

    def _uncommitted(self) -> UncommittedRequests:
        engines = self.containment.installation
        return UncommittedRequests(self._applications, engines.in_use, engines.identities.unflushed)

    # -- the run

    def start(self) -> None:
        """Contain the process's engines and set the environment, before anything of the project is imported."""
        self.containment.check_settings()
        self.environment.start()
        self.containment.start()
        if self._is_on:
            self._threads.install()

    def conclude(self) -> None:
        """Tell what is known only at the end, before databases and servers go."""
        self.filling.conclude()
        self.containment.conclude()

    def stop(self) -> None:
        """Leave nothing behind: databases, connections, patches, environment."""
        with every_step() as step:
            for end in (
                self.loop_resources.close_idle,
                self.watches.stop,
                self._applications.uninstall,
                self._threads.uninstall,
                self.containment.stop,
                self.environment.stop,
                self._end_exit_watch,
            ):
                with step:
                    end()

    def begin_last_teardown(self) -> None:
        """The last test is about to end, and all fixtures with it."""
        if self._is_on:
            self._exit_watch.begin()

    def _end_exit_watch(self) -> None:
        if self._is_on:
            self._exit_watch.end()

    # -- a test

    def begin_test(self, boundary: Hashable, owner: Owner, levels: Mapping[str, Level] | None = None) -> None:
        """Bring the baseline back, unless the test shares its isolation with the one before.

        Args:
            boundary: What the isolation is counted by: equal to the last test's, nothing is restored.
            owner: The test.
            levels: The level of each guard for it; None for those of the project.

        Raises:
            RestoreError: Something that outlives the last test blocks it.
        """
        self._applications.install()
        if not self.provider.has_tests:
            self._begin_first_test()
        self.provider.look_for_drivers()
        if self._test_is_open:
            self.leaks.end(lambda each: True)  # of a test whose set-up failed: it failed by name already
        self._test_is_open = True
        if boundary is NEVER or boundary != self._boundary:
            self._end_background(self.settings.background)
            self.restoring.restore()
        self._boundary = boundary
        self.watches.begin(owner, self.settings.guards if levels is None else levels)
        if TestBegan in listeners:
            emit(TestBegan(owner))

    def _begin_first_test(self) -> None:
        """What imports and collection wrote is there for all tests: it belongs to the baseline."""
        self.provider.has_tests = True
        self._mappings.watch()
        if self._is_on:
            self._exit_watch.prepare()
            self.restoring.watch(self.containment.installation.identities)
            self.databases.inventory.mark_baselines()

    def tell_of_failure(self, owner: Owner) -> None:
        """Tell that the call of a test has raised, and what it left running, before that is ended."""
        if CallRaised in listeners:
            self.background.tell_of_running(ends_with_a_call)
            for each in self.containment.all() if ReferenceBroken in listeners else ():
                for reference in each.broken_references():
                    emit(reference)
            emit(CallRaised(owner))

    def end_test(
        self,
        *,
        restore: bool,
        ending: frozenset[str],
        background: BackgroundMode = "wait",
        left: Callable[[list[Breach]], None] = lambda breaches: None,
    ) -> None:
        """Undo what the test changed, and end what it left open.

        Args:
            restore: Bring the databases' baseline back now, before wider fixtures end, rather than at the next test.
            ending: The scopes that end with this test; lifespans of these scopes are stopped.
            background: What becomes of tasks that it left running.
            left: Called with what guards found once what it left open is ended, before anything is undone.

        Raises:
            BaseException: What failed of this, an application's shutdown perhaps; all else is done.
        """
        breaches: list[Breach] = []
        with every_step() as step:
            self.ending = ending
            with step:
                self.loop_resources.close_idle()
            self.ending = frozenset({"function"})
            if restore:
                with step:
                    self._end_background(background)
            with step:
                breaches += self.leaks.end(lambda each: restore or each.task is None)
            with step:
                self._tell_of_background()
            with step:
                breaches += self.watches.end(owners.current())
            with step:
                _tell_of_breaches(breaches)
                left(breaches)
            with step:
                self.databases.inventory.drop_empty()
            self._test_is_open = False
            with step:
                self._mappings.undo()
            if restore and self._is_on:
                with step:
                    self.restoring.restore()
            if TestEnded in listeners:
                emit(TestEnded(owners.current()))

    def _end_background(self, background: BackgroundMode) -> None:
        if self._is_on:
            self.background.end_test(background)

    def _tell_of_background(self) -> None:
        left = self.background.take_left() if self._is_on else self.background.running(ends_with_a_test)
        self._tasks_left = left
        if TaskLeft in listeners:
            for task in left:
                emit(task)

    def explain(self, error: BaseException) -> list[HermeticError]:
        """Return what is known of why a test failed."""
        return [
            each for each in (self.filling.explain(error), self.databases.inventory.explain(error)) if each
        ]

    def keep(self) -> None:
        """Keep the databases as the test at hand left them, and tell of it."""
        from hermetic.guards.keep_failed import keep

        test = owners.current()
        message = keep(self.containment.all(), test.name, self.root)
        if DatabaseKept in listeners:
            emit(DatabaseKept(test, message))


def _tell_of_breaches(breaches: list[Breach]) -> None:
    if Breach in listeners:
        for breach in breaches:
            emit(breach)
