"""An asyncio task, seen from outside: how it begins, whose it is, where it waits, what for, and who waits for it.

Whose it is, the context says in which it runs: a copy of that of whoever started it. No task factory is needed for
that, which would take the place of the application's.

Where it waits, ``Task.get_stack`` tells for the outermost coroutine only. The rest hangs on ``cr_await``, and behind
``async for`` and ``__await__`` on objects that say nothing of themselves: only the garbage collector sees through them.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import sys
import traceback
from collections.abc import Callable, Coroutine, Iterator
from contextvars import Context
from math import inf
from types import (
    AsyncGeneratorType,
    CodeType,
    CoroutineType,
    FrameType,
    FunctionType,
    GeneratorType,
    ModuleType,
)
from typing import Any, TypeVar

from hermetic import owners
from hermetic.code import is_library, names_of
from hermetic.owners import Owner
from hermetic.threads import Work, now, pause

T = TypeVar("T")
Task = asyncio.Task[Any]
Future = asyncio.Future[Any] | concurrent.futures.Future[Any]

OURS = "hermetic "
"""What the names of the client's tasks begin with."""

FREE_TURNS = 100
"""Turns of a loop that are made one after the other, before each is followed by a pause."""

SPARED = 7
"""Turns of a loop that are spared one after the other where nobody is known to need them."""

_spared = 0

_AWAITED = ("cr_await", "gi_yieldfrom", "ag_await")
_FRAMES = ("cr_frame", "gi_frame", "ag_frame")
_BEHIND = (AsyncGeneratorType, CoroutineType, GeneratorType)
_NOT_FOLLOWED = (asyncio.AbstractEventLoop, type, ModuleType, FrameType, dict, str, Context)
_LOOPS = ("asyncio", "anyio")
_REACH = 4
"""From a callback to a future that it completes: a partial, a closure, its cell, what lies in it."""


def begun(
    run: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop, name: str, context: Context | None
) -> asyncio.Task[T]:
    """Make a task in the running loop, which has run up to its first wait when it is returned.

    Python 3.12 can do so. Before, a loop of asyncio's has the first step last in its queue, from where it is taken; in
    another one (uvloop's, one with a ``call_soon`` of its own) the task begins with the next turn.
    """
    if sys.version_info >= (3, 12):  # pragma: no cover - not on 3.11
        return asyncio.Task(run, loop=loop, name=name, context=context, eager_start=True)
    task = asyncio.Task(run, loop=loop, name=name, context=context)
    queue: Any = getattr(loop, "_ready", None)
    here: Any = asyncio.current_task(loop)
    if queue and here is not None and getattr(queue[-1]._callback, "__self__", None) is task:
        step = queue.pop()
        asyncio.tasks._leave_task(loop, here)
        try:
            step._context.run(step._callback)
        finally:
            asyncio.tasks._enter_task(loop, here)
    return task


def owes_a_turn(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether the current task has to let others go on before it does so itself, though it need not wait.

    It has where anything is ready in the loop, or has a time, or it is cancelled. Where all others wait for something
    outside of the process, each eighth time is enough for whoever asks again and again.
    """
    global _spared
    here = asyncio.current_task(loop)
    others = getattr(loop, "_ready", True) or getattr(loop, "_scheduled", True)
    if others or here is None or here.cancelling() or _spared == SPARED:
        _spared = 0
        return True
    _spared += 1
    return False


def owner_of(task: Task) -> Owner | None:
    """Return whose a task is; None where hermetic set no owner before it was started."""
    context = context_of(task)
    return None if context is None else owners.in_context(context)


def context_of(task: Task) -> Context | None:
    """Return the context that a task runs in."""
    if hasattr(task, "get_context"):  # pragma: no cover - Python 3.12 on
        context: Context = task.get_context()
        return context
    return next((each for each in gc.get_referents(task) if isinstance(each, Context)), None)


def failed_unseen() -> list[Task]:
    """Return the tasks that somebody keeps, and that failed while nobody looked at their exception.

    The sets that asyncio keeps of tasks have those that are done, too, as long as anybody holds them (Python 3.14's, of
    another kind, do not: then there are none). That a task's exception is asked for is what it notes itself.
    """
    kept: Any = getattr(asyncio.tasks, "_scheduled_tasks", None) or getattr(asyncio.tasks, "_all_tasks", ())
    if not len(kept):  # which takes a tenth of what it takes to go through a set of references
        return []
    return [task for task in list(kept) if task.done() and getattr(task, "_log_traceback", False)]


def awaiting(task: Task) -> Iterator[tuple[Any, FrameType]]:
    """Give what awaits in a suspended task, outermost first, with its frame; then the same of a task that it awaits."""
    waiting: Any = task.get_coro()
    while waiting is not None:
        for name in _FRAMES:
            if (frame := getattr(waiting, name, None)) is not None:
                yield waiting, frame
        waiting = _awaited_by(waiting)
    if (inner := awaited_task(task)) is not None:
        yield from awaiting(inner)


def awaited_task(task: Task) -> Task | None:
    """Return the task that a suspended task awaits; None when it awaits something else."""
    waiter = getattr(task, "_fut_waiter", None)
    return waiter if isinstance(waiter, asyncio.Task) else None


def _awaited_by(waiting: Any) -> Any:
    for name in _AWAITED:
        if hasattr(waiting, name):
            return getattr(waiting, name)
    return next((found for found in gc.get_referents(waiting) if isinstance(found, _BEHIND)), None)


def frames_of(task: Task) -> list[FrameType]:
    """Return the frames of a suspended task, the outermost first."""
    return [frame for _, frame in awaiting(task)]


def stack_of(task: Task) -> str:
    """Return the stack of a suspended task, as a traceback shows it: outermost first."""
    lines: list[str] = []
    for frame in frames_of(task):
        if "__tracebackhide__" not in names_of(frame):
            lines += traceback.format_list(traceback.StackSummary.extract([(frame, frame.f_lineno)]))
    return "".join(lines)


def is_ours(task: Task) -> bool:
    """Whether a task is the client's: of a request, or of a lifespan, which have an end of their own."""
    return task.get_name().startswith(OURS)


def is_of_the_project(task: Task) -> bool:
    """Whether a line of the project's, and not only libraries', is on the stack of a suspended task."""
    return any(not is_library(frame.f_code.co_filename) for frame in frames_of(task))


def name_of(task: Task) -> str:
    """Return the name of a task's coroutine."""
    return getattr(task.get_coro(), "__name__", None) or task.get_name()


def place_of(task: Task) -> str:
    """Return the innermost line of the project's at which a suspended task waits, ``file:line``; else a library's."""
    frames = frames_of(task)
    own = [frame for frame in frames if not is_library(frame.f_code.co_filename)] or frames
    return f"{own[-1].f_code.co_filename}:{own[-1].f_lineno}" if own else "an unknown place"


def is_about_to_run(task: Task) -> bool:
    """Whether a suspended task goes on with the next turn of its loop: it waits for nothing, or for what is there."""
    waits_for = getattr(task, "_fut_waiter", None)
    return waits_for is None or waits_for.done()


def is_idle(task: Task) -> bool:
    """Whether a task only lets time pass: its own code sleeps, or waits for a queue, and no error is on its way.

    A library that sleeps, or waits for a queue, is at work: it tries again, or has no connection left.
    """
    chain = list(awaiting(task))
    if any(frame.f_code.co_name == "__aexit__" for _, frame in chain) or error_on_its_way(task) is not None:
        return False
    waits = False
    for _, frame in reversed(chain):
        if frame.f_globals.get("__name__", "").partition(".")[0] not in _LOOPS:
            return waits and not is_library(frame.f_code.co_filename)
        if frame.f_code.co_name == "__sleep0":
            return False
        waits = waits or frame.f_code in _idle_waits()
    return False


def error_on_its_way(task: Task) -> BaseException | None:
    """Return the exception that a suspended task is about to raise on: it stands in a ``finally`` or leaves a ``with``.

    The frame keeps such an exception on its stack, besides the one that counts as handled; an ``except`` does not.
    """
    for waiting, frame in awaiting(task):
        held = [found for found in gc.get_referents(waiting) if isinstance(found, Exception)]
        named = list(names_of(frame).values())
        for error in held:
            if sum(each is error for each in held) - sum(each is error for each in named) > 1:
                return error
    return None


def is_shielded(task: Task) -> bool:
    """Whether a task is inside a cancel scope of anyio that shields it; a native ``cancel()`` would not ask."""
    return any(scope.shield for scope in scopes_of(task))


def is_limited(task: Task) -> bool:
    """Whether a suspended task sleeps, or is inside a time limit: ``asyncio.timeout``, ``wait_for``, anyio's scopes."""
    for waiting, frame in awaiting(task):
        if frame.f_code in (asyncio.sleep.__code__, asyncio.wait_for.__code__):
            return True
        held = (getattr(each, "__self__", None) for each in gc.get_referents(waiting))
        if any(isinstance(each, asyncio.Timeout) and each.when() is not None for each in held):
            return True
    return any(scope.deadline < inf for scope in scopes_of(task))


def scopes_of(task: Task) -> Iterator[Any]:
    """Give the cancel scopes of anyio in which a task is, the innermost first."""
    states = getattr(sys.modules.get("anyio._backends._asyncio"), "_task_states", None)
    scope = getattr(states.get(task) if states is not None else None, "cancel_scope", None)
    while scope is not None:
        yield scope
        scope = getattr(scope, "_parent_scope", None)


def _idle_waits() -> set[CodeType]:
    memory = sys.modules.get("anyio.streams.memory")
    receive = getattr(getattr(memory, "MemoryObjectReceiveStream", None), "receive", asyncio.sleep)
    return {asyncio.sleep.__code__, asyncio.Queue.get.__code__, receive.__code__}


def waiting_for(future: asyncio.Future[Any]) -> set[Task]:
    """Return the tasks that wait for a future, directly or through others; a task is among those that wait for it.

    A future's callbacks lead to whoever waits for it; ``asyncio.wait_for`` and the like put a future of their own
    between.
    """
    return {each for each in done_with(future) if isinstance(each, asyncio.Task)}


def done_with(future: Future) -> set[Future]:
    """Return the futures whose waiters go on when one is done, itself among them: asyncio's, and those of threads."""
    found = {future}
    new = [future]
    while new:
        each = new.pop()
        callbacks = [callback for callback, *_ in getattr(each, "_callbacks", None) or ()]
        for behind in futures_at(*callbacks, *getattr(each, "_done_callbacks", ())):
            if behind not in found:
                found.add(behind)
                new.append(behind)
    return found


def futures_at(*callbacks: Any) -> Iterator[Any]:
    """Give the futures to which callbacks lead, and the tasks."""
    here: list[Any] = list(callbacks)
    for _ in range(_REACH):
        behind: list[Any] = []
        for each in here:
            if isinstance(each, asyncio.Future | concurrent.futures.Future):
                yield each
            elif isinstance(each, FunctionType):
                behind += each.__closure__ or ()
            elif not isinstance(each, _NOT_FOLLOWED):
                behind += gc.get_referents(each)
        here = behind


async def turn_until(done: Callable[[], bool], seconds: float) -> bool:
    """Turn the running loop until something is so; return whether it was, in time.

    No timer of the loop is used: its clock may stand still.

    Args:
        done: Asked before each turn.
        seconds: How long at the most.
    """
    deadline = now() + seconds
    turns = 0
    while not done():
        if now() >= deadline:
            return False
        if turns > FREE_TURNS:
            pause()
        turns += 1
        await asyncio.sleep(0)
    return True


async def beside_the_loop(function: Callable[[], T]) -> T:
    """Do something in a thread of its own while the running loop turns; return what it returns."""
    work = Work(function)
    await turn_until(work.is_done, inf)
    return work.result()
