"""A run that does not end after its last test: what it waits for is named, and left behind where waiting is no use.

Python waits for every thread that is no daemon: a consumer of a queue that a test started, a job in an executor that
never returns. Neither pytest-timeout nor faulthandler looks so late. From the teardown of the last test on, threads
whose end somebody waits for without a limit are looked at:

* one that waits itself, for good (a queue, an event, a lock), is left behind after ``FOR_GOOD`` seconds: all that could
  have woken it is over;
* one that sleeps or polls is named after as long, and gets ``ASLEEP`` seconds to end by itself;
* one that is at work is named as well, and gets ``AT_WORK`` seconds: it may be writing something down. What stands in a
  call of C cannot be told from that.

To leave a thread behind is to have its ``join`` return, as if it had been started as a daemon: nothing can end a
thread. The run then goes on to its end as always, through ``atexit``, with its own exit status. A run whose threads end
in time sees none of this.

Suites count threads around each of their tests, or around them all. So the one that looks is there before the first
fixture, and does nothing until there is something to look at.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from hermetic import collector
from hermetic.causes.hangs import THREAD_LEFT
from hermetic.code import UNKNOWN, Location, place_in_the_project
from hermetic.events import emit, listeners
from hermetic.events.lifecycle import Noted
from hermetic.guards.threads import Started, serves_whoever_comes
from hermetic.threads import OURS, is_ours, now, pause

if TYPE_CHECKING:
    from hermetic.waits.thread import WaitKind

PAUSE = 0.1
"""Seconds between two looks."""

FOR_GOOD, ASLEEP, AT_WORK = 2.0, 10.0, 60.0
"""Seconds that a thread gets, by how it spends them."""

MOSTLY = 0.8
"""The share of looks at which a thread must have been seen waiting to count as one that does nothing else."""

LEFT = "_hermetic_left"
"""The attribute of a thread that was left behind."""


@dataclass
class Seen:
    """How a thread spends its time.

    Attributes:
        looks: How often it was looked at.
        waiting: How often it was waiting then.
        for_good: How often it was waiting for good.
        since: Since when somebody waits for its end; None while nobody does.
        is_named: Whether it was told of.
    """

    looks: int = 0
    waiting: int = 0
    for_good: int = 0
    since: float | None = None
    is_named: bool = False

    def look(self, wait: WaitKind | None) -> None:
        """Count what was seen."""
        self.looks += 1
        self.waiting += wait is not None
        self.for_good += wait == "for good"

    @property
    def patience(self) -> float:
        """Seconds that it gets."""
        if self.for_good == self.looks:
            return FOR_GOOD
        return ASLEEP if self.waiting >= MOSTLY * self.looks else AT_WORK


class ExitWatch:
    """Looks at what a run waits for, from its last test's teardown to the end of the process.

    Args:
        started: Returns who started a thread.
    """

    def __init__(self, started: Callable[[threading.Thread], Started | None]) -> None:
        self._started = started
        self._is_watching_joins = False
        self._thread: threading.Thread | None = None
        self._is_due = threading.Event()
        self._seen: dict[threading.Thread, Seen] = {}

    def prepare(self) -> None:
        """The first test begins."""
        self._thread = threading.Thread(target=self._watch, name=f"{OURS}exit", daemon=True)
        self._thread.start()

    def begin(self) -> None:
        """The last test is about to end, and wider fixtures with it."""
        self._is_watching_joins = True
        self._look_on()

    def end(self) -> None:
        """The run is over: from now on only the end of the process is watched, which may be a long way off."""
        self._is_watching_joins = False
        if _keeping():
            _let_threads_be_left()
            self._look_on()
        self._is_due.set()

    def _look_on(self) -> None:
        """Have the thread look where there is something to watch; at the end of a process none can be started."""
        if _keeping():
            self._is_due.set()
            if self._thread is None or not self._thread.is_alive():
                self.prepare()

    def _watch(self) -> None:
        self._is_due.wait()
        while self._is_watching_joins or _keeping():
            pause(PAUSE)
            awaited = _joined() if self._is_watching_joins else set()
            if _is_ending():
                awaited.update(_keeping())
            if awaited:
                self._look(awaited)
            else:
                self._seen.clear()

    def _look(self, awaited: set[threading.Thread]) -> None:
        """Look at all threads: one that waits for good may wait for another, which is at work."""
        from hermetic.waits.thread import frames_of, is_of_the_project, wait_of

        places: dict[threading.Thread, Location | None] = {}
        with collector.paused():
            for thread in _others():
                frames = frames_of(thread.ident or 0)
                if frames and (thread in awaited or is_of_the_project(frames)):
                    self._seen.setdefault(thread, Seen()).look(wait_of(frames[0]))
                    places[thread] = place_in_the_project(frames[0])
        for gone in self._seen.keys() - places.keys():
            del self._seen[gone]
        patience = max((each.patience for each in self._seen.values()), default=0.0)
        for thread in awaited & places.keys():
            self._wait_for(thread, places[thread], patience)

    def _wait_for(self, thread: threading.Thread, place: Location | None, patience: float) -> None:
        seen = self._seen[thread]
        if seen.since is None:
            seen.since = now()
        seconds = now() - seen.since
        if not seen.is_named and seconds >= FOR_GOOD:
            seen.is_named = True
            _tell(text(thread, self._started(thread), place, patience - FOR_GOOD))
        if seconds >= patience:
            del self._seen[thread]
            leave_behind(thread)


def _tell(text: str) -> None:
    if Noted in listeners:
        for line in text.splitlines():
            emit(Noted(line))
    else:  # the summary is written
        print(f"\nhermetic: {text}", file=sys.__stderr__, flush=True)


def text(thread: threading.Thread, started: Started | None, place: Location | None, more: float) -> str:
    """Say what keeps a run from ending.

    Args:
        thread: The thread.
        started: Who started it, if that was seen.
        place: Its innermost line of the project's.
        more: For how many more seconds it is waited for.
    """
    kind = "a thread of an executor" if serves_whoever_comes(thread) else "a thread"
    if started is None:
        who = "whose start was not seen"
    elif started.location is UNKNOWN:
        who = f"started by {started.owner.name}"
    else:
        who = f"started by {started.owner.name} at {started.location}"
    what = "waits for good" if more <= 0 else f"gets {more:g} more seconds"
    where = "" if place is None else f" in {place.function}, at {place}"
    return (
        f"the run does not end: it waits for {kind} ({thread.name}), {who}. It stands{where or ' in a library'}, and"
        f" {what}; then it is left behind, as a daemon would be. [{THREAD_LEFT.code}]\n"
        f"  change: end it in the fixture or the lifespan that started it, or start it with daemon=True;"
        f" more: hermetic explain {THREAD_LEFT.code}"
    )


def leave_behind(thread: threading.Thread) -> None:
    """Have whoever waits for a thread's end go on, as if it had ended."""
    setattr(thread, LEFT, True)
    handle = getattr(thread, "_os_thread_handle", None) or getattr(thread, "_handle", None)
    if handle is not None:  # pragma: no cover - Python 3.13 on
        handle._set_done()
        return
    lock: Any = getattr(thread, "_tstate_lock", None)  # pragma: no cover - before Python 3.13
    if lock is not None and lock.locked():  # pragma: no cover - before Python 3.13
        lock.release()


def _let_threads_be_left() -> None:
    """From Python 3.13 on have the process's end wait by ``join``: its own loop knows no thread that is left behind."""
    original = getattr(threading, "_thread_shutdown", None)
    if original is None or getattr(original, "__module__", None) == __name__:
        return  # pragma: no cover - before Python 3.13

    def wait_for_threads() -> None:  # pragma: no cover - Python 3.13 on, at the end of a process
        waited: set[threading.Thread] = set()
        while awaited := [each for each in _keeping() if each not in waited]:
            for thread in awaited:
                waited.add(thread)
                thread.join()
        if not any(map(_is_left, threading.enumerate())):
            original()

    cast(Any, threading)._thread_shutdown = wait_for_threads  # pragma: no cover - Python 3.13 on


def _others() -> list[threading.Thread]:
    """Return the threads but the main one, this one, and what is hermetic's own."""
    here = (threading.main_thread(), threading.current_thread())
    return [each for each in threading.enumerate() if each not in here and not is_ours(each)]


def _keeping() -> list[threading.Thread]:
    """Return the threads that keep the process from ending."""
    return [each for each in _others() if not each.daemon and not _is_left(each)]


def _is_left(thread: threading.Thread) -> bool:
    return hasattr(thread, LEFT)


def _joined() -> set[threading.Thread]:
    """Return the threads that keep the process from ending, and for whose end some thread waits."""
    from hermetic.waits.thread import frames_of, joined_by

    with collector.paused():
        joined = {joined_by(frames_of(each.ident or 0)) for each in threading.enumerate()}
    return {each for each in _keeping() if each in joined}


def _is_ending() -> bool:
    """Whether the process waits for its threads."""
    from hermetic.waits.thread import frames_of

    ending = cast(Any, threading)._shutdown.__code__
    return any(frame.f_code is ending for frame in frames_of(threading.main_thread().ident or 0))
