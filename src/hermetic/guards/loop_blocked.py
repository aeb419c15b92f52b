"""An event loop that stands still: for how long, and where in the code.

A thread looks every ``PAUSE`` seconds. Each time it has every loop that runs say that it turns, by
``call_soon_threadsafe``, which works for loops of every kind, and inside of greenlets, whose stacks do not show the
loop. One that has said nothing since the last look is in one call all that time; where in it, its thread's stack tells.
Nothing of this happens unless a project asks for it: a healthy application may hash a password for half a second.

What takes its time for another reason does not count:

* A busy machine. Time that the loop's thread waits for a processor is taken off, where the system tells it (Linux
  does). A look counts for two pauses at the most, unless the loop's thread has been at work for longer: a process that
  was stopped for a while has not blocked its loop.
* An import, or what hermetic does itself when an engine is first used, or a debugger that waits for somebody: a look
  that finds one of these on the stack.
* A test that sleeps in its own code: there is nothing else to do in its loop. What a request runs counts wherever it is
  written.

A clock that a test has stopped makes no difference: the time is read from one that no test can stop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NamedTuple
from weakref import WeakKeyDictionary

from hermetic import tasks
from hermetic.causes.guards import LOOP_BLOCKED
from hermetic.code import OWN, Location, is_library
from hermetic.events.lifecycle import Breach
from hermetic.owners import Owner
from hermetic.threads import OURS, now

Loop = asyncio.AbstractEventLoop

PAUSE = 0.05
"""Seconds between two looks."""

_DEBUGGERS = frozenset({"bdb", "pdb", "pydevd", "debugpy", "_pydevd_bundle", "IPython"})
_SHOWN = 5


class Times(NamedTuple):
    """Seconds of a thread: at work, and waiting for a processor; 0 where the system does not tell."""

    work: float
    delay: float

    @classmethod
    def of(cls, thread: threading.Thread | None) -> Times:
        """Read those of a thread."""
        with suppress(OSError, ValueError):
            text = Path(f"/proc/self/task/{thread and thread.native_id}/schedstat").read_text(
                encoding="ascii"
            )
            work, delay, _ = map(int, text.split())
            return cls(work / 1e9, delay / 1e9)
        return cls(0.0, 0.0)


@dataclass(eq=False)
class Stretch:
    """A loop in one call.

    Attributes:
        has_turned: Whether it is over.
        since: When it was last looked at.
        times: Those of its thread then.
        seconds: For how long it is known to stand still.
        owner: Who blocks it.
        places: The lines of the project on its stack, the innermost first.
    """

    since: float
    times: Times
    has_turned: bool = False
    seconds: float = 0.0
    owner: Owner | None = None
    places: tuple[Location, ...] = ()

    def turn(self) -> None:
        """The loop turns."""
        self.has_turned = True

    def look(self, time: float, times: Times) -> float:
        """Return for how many seconds more it has stood still, the wait for a processor taken off."""
        passed = time - self.since - (times.delay - self.times.delay)
        most = max(2 * PAUSE, times.work - self.times.work)
        self.since, self.times = time, times
        return max(0.0, min(passed, most))


@dataclass(eq=False)
class BlockedWatch:
    """The guard ``blocking``.

    Attributes:
        loops: Returns the event loops that were seen.
        limit: Seconds that a loop may stand still.
        is_test_code: Whether a line is a test's.
    """

    loops: Callable[[], Sequence[Loop]]
    limit: float
    is_test_code: Callable[[Location], bool]
    _test: Owner | None = None
    _thread: threading.Thread | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _now: WeakKeyDictionary[Loop, Stretch] = field(default_factory=WeakKeyDictionary)
    _long: dict[Location, Stretch] = field(default_factory=dict)

    def begin(self, test: Owner) -> None:
        """Look from now on."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name=f"{OURS}blocking", daemon=True)
            self._thread.start()
        with self._lock:
            self._test = test

    def end(self, test: Owner) -> Sequence[Breach]:
        """Look no longer; return each place at which a loop stood still for too long."""
        del test
        with self._lock:
            self._test = None
            self._now.clear()
            found, self._long = self._long, {}
        return [_breach(stretch.owner, stretch) for stretch in found.values() if stretch.owner is not None]

    def stop(self) -> None:
        """Have the thread end."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._stopping.wait(PAUSE):
            with self._lock:
                if self._test is not None:
                    for loop in self.loops():
                        self._look(loop, self._test)

    def _look(self, loop: Loop, test: Owner) -> None:
        stretch = self._now.get(loop)
        if not loop.is_running():
            self._now.pop(loop, None)
        elif stretch is None or stretch.has_turned:
            fresh = self._now[loop] = Stretch(now(), Times.of(_thread_of(loop)))
            with suppress(RuntimeError):  # it has just been closed
                loop.call_soon_threadsafe(fresh.turn)
        else:
            self._count(loop, stretch, test)

    def _count(self, loop: Loop, stretch: Stretch, test: Owner) -> None:
        from hermetic.waits.thread import frames_of

        thread = _thread_of(loop)
        passed = stretch.look(now(), Times.of(thread))
        owner = _owner_in(loop) or test
        places = _places(frames_of(thread.ident or 0)) if thread is not None else ()
        is_told = owner.is_test_level and owner.accountable
        if not (places and is_told) or (owner.kind != "request" and self.is_test_code(places[0])):
            return
        stretch.seconds += passed
        stretch.owner, stretch.places = owner, places
        if stretch.seconds >= self.limit:
            self._long.setdefault(places[0], stretch)


def _thread_of(loop: Loop) -> threading.Thread | None:
    """Return the thread that turns a loop; the main one turns those that do not tell."""
    ident = getattr(loop, "_thread_id", None)
    known = [each for each in threading.enumerate() if each.ident == ident]
    return known[0] if known else threading.main_thread()


def _owner_in(loop: Loop) -> Owner | None:
    """Return whose the task is that a loop runs now."""
    with suppress(RuntimeError):  # it changes meanwhile
        task = asyncio.current_task(loop)
        return None if task is None else tasks.owner_of(task)
    return None


def _places(frames: Sequence[FrameType]) -> tuple[Location, ...]:
    """Return the project's lines on a stack, the innermost first; none where it stands there for a good reason."""
    places: list[Location] = []
    for frame in frames:
        file, module = frame.f_code.co_filename, str(frame.f_globals.get("__name__"))
        if file.startswith("<frozen importlib") or module.partition(".")[0] in _DEBUGGERS:
            return ()
        if not is_library(file):
            places.append(Location(file, frame.f_lineno, frame.f_code.co_name))
        elif file.startswith(OWN) and not places:
            return ()
    return tuple(places)


def _breach(owner: Owner, stretch: Stretch) -> Breach:
    at, *others = stretch.places
    lines = [
        f"{owner.name} blocked the event loop for {stretch.seconds:.1f} s.",
        f"It stood in {at.function}, at {at}.",
    ]
    lines += [f"  called by {each.function}, at {each}" for each in others[:_SHOWN]]
    change = (
        f"{at}: await what does not block (asyncio.sleep, an asynchronous client or driver),"
        " or await asyncio.to_thread(...)"
    )
    return Breach("blocking", owner, at, LOOP_BLOCKED.told(lines, (change,)))
