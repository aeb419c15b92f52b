"""Letting others finish what they do with the databases, on loops that stand still."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from hermetic.database.engines import Gate
from hermetic.events.lifecycle import UsedInSetUp
from hermetic.guards.quiet import Quiet
from hermetic.owners import Owner
from tests.hearing import hearing

POLLER = Owner("a poller", "lifespan", "session")
TEST = Owner("test", "test", "function")


@dataclass(eq=False)
class Use:
    """A connection in use, as far as it is looked at."""

    owner: Owner
    loop: asyncio.AbstractEventLoop | None
    task: asyncio.Task[Any] | None
    was_waited_for: bool = False

    @property
    def is_busy(self) -> bool:
        """Whether its task runs."""
        return self.task is not None and not self.task.done()


@dataclass
class House:
    """A loop that stands still, and what is used there."""

    loop: asyncio.AbstractEventLoop
    uses: list[Use] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate = Gate()
        self.quiet = Quiet(
            self.gate,
            lambda: self.uses,
            lambda: [self.loop],
        )

    def use(self, owner: Owner, turns: int) -> Use:
        """Use a connection for so many turns of the loop."""

        async def work() -> None:
            for _ in range(turns):
                await asyncio.sleep(0)

        use = Use(owner, self.loop, self.loop.create_task(work()))
        self.uses.append(use)
        return use


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A loop that stands still, and patience that no busy machine wears out."""
    monkeypatch.setattr("hermetic.guards.quiet.PATIENCE", 60.0)
    loop = asyncio.new_event_loop()
    house = House(loop)
    yield house
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left))
    loop.close()


def test_the_loop_turns_until_a_poller_has_given_back_what_it_uses(house: House) -> None:
    """It is in nobody's way then."""
    use = house.use(POLLER, 300)
    house.quiet.let_finish()
    assert use.task is not None and use.task.done()
    assert not house.gate.is_closed


def test_what_is_kept_for_good_is_waited_for_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that listens; later restores do not ask for it."""
    monkeypatch.setattr("hermetic.guards.quiet.PATIENCE", 0.0)
    use = house.use(POLLER, 10**9)
    house.quiet.let_finish()
    assert use.was_waited_for
    monkeypatch.setattr("hermetic.guards.quiet.PATIENCE", 60.0)
    house.quiet.let_finish()


def test_another_thread_is_waited_for(house: House) -> None:
    """A poller in a thread of its own is frozen by nobody; held at the gate, it ends what it has begun."""

    @dataclass(eq=False)
    class InThread(Use):
        @property
        def is_busy(self) -> bool:
            """Until it has been asked for three times."""
            asked.append(1)
            return len(asked) < 3

    asked: list[int] = []
    house.uses.append(InThread(POLLER, None, None))
    house.quiet.let_finish()
    assert len(asked) >= 3


def test_nobody_else_is_waited_for(house: House) -> None:
    """Neither what a test uses, nor what no task uses."""
    house.use(TEST, 10**9)
    house.uses.append(Use(POLLER, house.loop, None))
    house.quiet.let_finish()
    assert not any(use.was_waited_for for use in house.uses)


def test_all_are_held_while_rows_go_back(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that comes just then would read what is about to go; whoever keeps a connection may need another."""
    with house.quiet.held():
        assert house.gate._closing_for(POLLER) is not None
        house.quiet.wait(lambda: None)
        assert house.gate._closing_for(POLLER) is not None
    assert not house.gate.is_closed
    monkeypatch.setattr("hermetic.guards.quiet.PATIENCE", 0.0)
    house.use(POLLER, 10**9)
    with house.quiet.held():
        assert not house.gate.is_closed


def test_inside_a_loop_it_is_awaited(house: House) -> None:
    """A synchronous wait would keep the loop from turning."""

    async def main() -> None:
        use = house.use(POLLER, 300)
        house.quiet.let_finish()
        assert use.task is not None and not use.task.done()
        assert await house.quiet.let_finish_here()
        assert use.task.done()
        assert await house.quiet.let_finish_here()

    house.loop.run_until_complete(main())


def test_inside_a_loop_what_is_kept_is_waited_for_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """And whoever restores is told that somebody may be in the way."""
    monkeypatch.setattr("hermetic.guards.quiet.PATIENCE", 0.0)

    async def main() -> None:
        house.use(POLLER, 10**9)
        assert not await house.quiet.let_finish_here()
        assert await house.quiet.let_finish_here()

    house.loop.run_until_complete(main())


def test_loops_turn_while_a_lock_is_waited_for(house: House) -> None:
    """So that whoever holds it can give it back."""
    use = house.use(POLLER, 50)
    assert use.task is not None
    lock = asyncio.Event()
    use.task.add_done_callback(lambda _: lock.set())

    def work() -> str:
        assert house.gate.is_closed
        while not lock.is_set():
            pass
        return "done"

    assert house.quiet.wait(work) == "done"


def test_without_a_loop_that_stands_still_it_is_done_as_it_is(house: House) -> None:
    """A loop of this thread that runs cannot be turned."""

    async def main() -> str:
        return house.quiet.wait(lambda: "done")

    assert house.loop.run_until_complete(main()) == "done"


def test_a_set_up_holds_pollers_and_not_what_it_started(house: House) -> None:
    """Set-ups nest; the gate is open when the last is over."""
    outer, inner = Owner("outer", "fixture", "session"), Owner("inner", "fixture", "module")
    started = Owner("request", "request", "module", inner)
    house.quiet.begin_set_up(outer)
    house.quiet.begin_set_up(inner)

    def held(owner: Owner) -> bool:
        return house.gate._closing_for(owner) is not None

    assert held(POLLER) and not held(started) and not held(TEST)
    house.quiet.end_set_up(inner)
    assert held(POLLER) and not held(outer)
    house.quiet.end_set_up(outer)
    assert not held(POLLER)


def test_who_passes_while_a_fixture_is_set_up_is_named(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the fixture, whose rows cannot be told from theirs."""
    monkeypatch.setattr("hermetic.guards.quiet.HELD_IN_SET_UP", 0.0)
    fixture = Owner("fixture", "fixture", "module")
    house.quiet.begin_set_up(fixture)
    closing = house.gate._closing_for(POLLER)
    assert closing is not None
    with hearing(UsedInSetUp) as told:
        closing.passed(POLLER)
    closing.passed(POLLER)  # to nobody
    assert told == [UsedInSetUp(POLLER, fixture)]
    house.quiet.end_set_up(fixture)
