"""Who can still go on, asked from a thread that looks at all others."""

from __future__ import annotations

import asyncio
import concurrent.futures
import signal
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import anyio
import anyio.from_thread
import anyio.to_thread
import pytest
import uvloop

from hermetic import collector
from hermetic.waits.graph import MAIN, Graph, Wait
from hermetic.waits.thread import frames_of, is_turning, result_of, wait_of

T = TypeVar("T")


def beside(look: Callable[[], T]) -> T:
    """Look from a thread of hermetic's own, as the watch does."""
    found: list[Any] = []

    def run() -> None:
        try:
            with collector.paused():
                found.append(look())
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=run, name="hermetic-looks")
    thread.start()
    thread.join()
    if isinstance(found[0], BaseException):
        raise found[0]
    result: T = found[0]
    return result


async def looked(look: Callable[[], T]) -> T:
    """Look while the loop turns, from a thread that nobody waits for."""
    done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    loop = asyncio.get_running_loop()

    def run() -> None:
        turn = threading.Event()
        while not is_turning(frames_of(MAIN)):  # it is still starting this thread
            turn.wait(0.001)
        try:
            with collector.paused():
                found = look()
        except BaseException as error:
            loop.call_soon_threadsafe(done.set_exception, error)
        else:
            loop.call_soon_threadsafe(done.set_result, found)

    threading.Thread(target=run, name="hermetic-looks").start()
    return await done


async def stands(work: Awaitable[object]) -> bool:
    """Whether a task that awaits something, started here, cannot go on while a statement waits for it."""

    async def wait() -> None:
        await work

    task = asyncio.create_task(wait(), name="waiting")
    for _ in range(5):
        await asyncio.sleep(0)
    try:
        return await looked(lambda: task not in Graph().able([]))
    finally:
        task.cancel()
        await asyncio.wait([task])


async def the_blocked() -> None:
    """Wait for an event that never comes."""
    await asyncio.Event().wait()


async def in_a_group() -> None:
    """Wait for what a task group runs."""
    async with asyncio.TaskGroup() as group:
        group.create_task(the_blocked())


async def with_a_limit() -> None:
    """Wait no longer than that."""
    async with asyncio.timeout(60):
        await the_blocked()


async def with_a_limit_of_anyio() -> None:
    """The same, by a scope of anyio's."""
    with anyio.fail_after(60):
        await the_blocked()


async def without_a_limit() -> None:
    """A time limit that is none."""
    with anyio.CancelScope():
        async with asyncio.timeout(None):
            await the_blocked()


STANDS: dict[str, tuple[Callable[[], Awaitable[object]], bool]] = {
    "an event": (the_blocked, True),
    "a queue": (lambda: asyncio.Queue[int]().get(), True),
    "another task": (lambda: asyncio.create_task(the_blocked()), True),
    "several": (lambda: asyncio.gather(the_blocked(), the_blocked()), True),
    "the first of several": (lambda: asyncio.wait([asyncio.ensure_future(the_blocked())]), True),
    "a group": (in_a_group, True),
    "an event of anyio": (lambda: anyio.Event().wait(), True),
    "a limit that is none": (without_a_limit, True),
    "time": (lambda: asyncio.sleep(60), False),
    "a limit": (with_a_limit, False),
    "a limit of anyio": (with_a_limit_of_anyio, False),
    "an event, for a time": (lambda: asyncio.wait_for(the_blocked(), 60), False),
    "a future of somebody": (lambda: asyncio.get_running_loop().create_future(), False),
}


@pytest.mark.parametrize("what", STANDS)
@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_what_a_task_waits_for(what: str, loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """It can go on where that ends by itself; on uvloop a timer may set an event, and is not seen."""
    work, expected = STANDS[what]

    async def main() -> bool:
        return await stands(work())

    with asyncio.Runner(loop_factory=loop) as runner:
        found = runner.run(main())
    assert found is (expected and loop is asyncio.new_event_loop)


def test_somebody_else_has_it_at_hand() -> None:
    """An event may be set by a task that sleeps, by a timer, and by a thread that works, where they can reach it."""

    async def sleeps(holding: object) -> None:
        await asyncio.sleep(60)
        del holding

    async def main() -> list[bool]:
        found = []
        event = asyncio.Event()
        for _ in range(2):
            found.append(await stands(event.wait()))
            task = asyncio.create_task(sleeps({"of": [event]}))
        task.cancel()
        event = asyncio.Event()
        timer = asyncio.get_running_loop().call_later(60, event.set)
        found.append(await stands(event.wait()))
        timer.cancel()
        return found

    # The test's own frame has the event at hand, too: it runs, and so it can go on.
    assert asyncio.run(main())[1:] == [False, False]


def test_a_signal_may_set_it() -> None:
    """From wherever that comes, as long as the loop has somebody for it."""

    async def main() -> list[bool]:
        event, loop = asyncio.Event(), asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, event.set)
        work = event.wait()
        del event  # which this frame, that runs, would have at hand
        found = [await stands(work)]
        loop.remove_signal_handler(signal.SIGUSR1)
        return [*found, await stands(asyncio.Event().wait())]

    assert asyncio.run(main()) == [False, True]


def test_who_waits_for_a_lock() -> None:
    """Somebody who waits for the lock of one who waits for him stands still, and so does who waits for either."""

    async def main() -> None:
        holder = asyncio.create_task(the_blocked())
        waiter = asyncio.create_task(the_blocked())
        third = asyncio.ensure_future(asyncio.gather(waiter))
        await asyncio.sleep(0)

        def look() -> None:
            able = Graph().able([Wait(waiter, (holder,)), Wait(holder, (waiter,))])
            assert waiter not in able
            assert holder not in able
            assert waiter in Graph().able([Wait(waiter, (MAIN,))])  # which waits for no task of these

        await looked(look)
        for task in (holder, waiter):
            task.cancel()
        await asyncio.wait([holder, waiter])
        third.cancel()

    asyncio.run(main())


def _waits_for_good(thread: int) -> bool:
    with collector.paused():
        return wait_of(frames_of(thread)[0]) == "for good"


def test_a_thread_that_waits_for_this_one() -> None:
    """For its end, or for the result of a job that it does."""
    over = threading.Event()
    working = threading.Thread(target=over.wait)
    working.start()
    joining = threading.Thread(target=working.join)
    joining.start()
    with ThreadPoolExecutor(2) as pool:
        job: concurrent.futures.Future[bool] = pool.submit(over.wait)
        asking = pool.submit(job.result)
        waiters = [joining.ident, *(each.ident for each in pool._threads)]
        turn = threading.Event()
        while not all(each and _waits_for_good(each) for each in waiters):
            turn.wait(0.001)

        def look() -> None:
            able = Graph().able([Wait(MAIN, (working.ident or 0,))])
            assert not any(each is None or each in able for each in waiters)
            assert not able.of_the_project

        try:
            beside(look)
        finally:
            over.set()
        asking.result()
    for thread in (working, joining):
        thread.join()


def test_a_task_that_waits_for_a_thread() -> None:
    """By asyncio or by anyio: it goes on when the thread does, and no sooner."""
    over = threading.Event()

    async def main(in_thread: Callable[[Callable[[], object]], Awaitable[object]]) -> None:
        task = asyncio.ensure_future(in_thread(over.wait))
        while not _waiting_for(over):
            await asyncio.sleep(0.001)

        def look() -> None:
            assert task in Graph().able([])  # this test has at hand what the thread waits for
            (worker,) = _waiting_for(over)
            able = Graph().able([Wait(worker, (task,))])
            assert task not in able
            assert worker not in able

        try:
            await looked(look)
        finally:
            over.set()
        await task
        over.clear()

    asyncio.run(main(asyncio.to_thread))
    anyio.run(main, anyio.to_thread.run_sync)


def _waiting_for(event: threading.Event) -> list[int]:
    """Return the threads that wait for an event, for good."""
    with collector.paused():
        return [
            ident
            for each in threading.enumerate()
            if (ident := each.ident) and (frames := frames_of(ident))
            if wait_of(frames[0]) == "for good"
            and any(frame.f_locals.get("self") is event for frame in frames)
        ]


def _awaits_a_result(thread: threading.Thread) -> bool:
    """Whether a thread waits for a future that is not done."""
    with collector.paused():
        future = result_of(frames_of(thread.ident or 0))
        return future is not None and not future.done()


def test_a_portal() -> None:
    """A thread that calls into another thread's loop waits for the task that is started there."""
    reached, over = threading.Event(), anyio.Event()
    turned_by: list[int] = []

    async def called() -> None:
        turned_by.append(threading.get_ident())
        reached.set()
        await over.wait()

    async def end() -> None:
        over.set()

    with anyio.from_thread.start_blocking_portal() as portal:
        calling = threading.Thread(target=portal.call, args=(called,))
        calling.start()
        reached.wait()
        turn = threading.Event()
        while not (is_turning(frames_of(turned_by[0])) and _awaits_a_result(calling)):
            turn.wait(0.001)

        def look() -> None:
            graph = Graph()
            (task,) = [each for each in graph.tasks if "called" in repr(graph.stack(each))]
            assert graph.is_turned(task)
            able = graph.able([Wait(task, (calling.ident or 0,))])
            assert task not in able
            assert (calling.ident or 0) not in able

        try:
            beside(look)
        finally:
            portal.call(end)
        calling.join()
