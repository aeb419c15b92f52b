"""Coroutines that nobody awaited: named with the line that made them, and with the test whose call that was.

Python tells of each when it is dropped, by a function of ``warnings`` that stands still otherwise, so that coroutines
which are awaited cost nothing. In most cases the line is the one at which that happens: ``session.commit()`` as a
statement is dropped where it was made. One that a variable keeps is dropped when its function ends. Where Python noted
its origin, in asyncio's debug mode, that is known; else the function of the test, of its fixture or of the endpoint is
looked through for the call. To have Python note every origin takes 2.5 % of a small test's time (measured, 660 tests).

Nothing is said of what Python itself would not tell: a test that expects the warning, or a project that ignores it; nor
of what ``unittest.mock`` makes; nor, without an origin, of what somebody else has kept: the mock that stands for
``asyncio.run``, say.
"""

from __future__ import annotations

import dis
import linecache
import sys
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from types import CoroutineType, FrameType
from typing import Any, TypeAlias

from hermetic import expressions
from hermetic.causes.event_loops import ASYNC_TEST_IN_TESTCASE
from hermetic.causes.guards import NEVER_AWAITED
from hermetic.code import OWN, Location, is_library, location_of, place_in_the_project
from hermetic.events.lifecycle import Breach
from hermetic.owners import Owner, current
from hermetic.patch import Patch

Coroutine: TypeAlias = "CoroutineType[Any, Any, Any]"

_TELLS = "_warn_unawaited_coroutine"
_DROPS = ("POP_TOP", "POP_JUMP", "TO_BOOL", "UNARY_NOT", "IS_OP")
"""How the instructions begin by which a line drops what it has just made; calls may drop what others kept."""


class Drops:
    """Is told by Python of each coroutine that nobody awaited, while somebody watches."""

    def __init__(self) -> None:
        self._watching: list[CoroutineWatch] = []
        self._patch: Patch | None = None

    def add(self, watch: CoroutineWatch) -> None:
        """Tell a watch from now on."""
        if self._patch is None:
            self._patch = Patch(warnings, _TELLS, self._telling)
        self._watching.append(watch)

    def _telling(self, patch: Patch) -> Callable[[Coroutine], None]:
        original = patch.original
        is_pythons = original.__module__ == warnings.__name__

        def tell(coroutine: Coroutine) -> None:
            frame, owner = sys._getframe(1), current()
            for watch in self._watching:
                if watch.is_on:
                    watch.look(coroutine, frame, owner)
            if (
                is_pythons and coroutine.cr_origin is None
            ):  # as the original, but for the line, which is the caller's
                warnings.warn(_text(coroutine), RuntimeWarning, stacklevel=2, source=coroutine)
            else:
                original(coroutine)

        return tell

    def uninstall(self) -> None:
        """Have Python tell as ever."""
        self._watching.clear()
        if self._patch is not None:
            self._patch.undo()
            self._patch = None


class CoroutineWatch(ABC):
    """A guard that is told of coroutines.

    Args:
        drops: Tells of them.

    Attributes:
        is_on: Whether a test is watched.
    """

    def __init__(self, drops: Drops) -> None:
        self.is_on = False
        self._drops = drops
        self._found: list[Breach] = []
        drops.add(self)

    def begin(self, test: Owner) -> None:
        """Note what is dropped from now on."""
        self.is_on = True

    def end(self, test: Owner) -> Sequence[Breach]:
        """Return what was dropped, each line once."""
        self.is_on = False
        if not self._found:
            return ()
        found, self._found = self._found, []
        return list({each.message: each for each in found}.values())

    def stop(self) -> None:
        """Have Python tell as ever."""
        self._drops.uninstall()

    def look(self, coroutine: Coroutine, frame: FrameType, owner: Owner) -> None:
        """A coroutine is dropped at a frame, by somebody."""
        breach = self._breach(coroutine, frame, owner)
        if breach is not None:
            self._found.append(breach)

    @abstractmethod
    def _breach(self, coroutine: Coroutine, frame: FrameType, owner: Owner) -> Breach | None:
        """Return what there is to say of it."""


class UnawaitedWatch(CoroutineWatch):
    """The guard ``unawaited``: what a test, its requests and its fixtures forgot to await."""

    _shown: object = None

    def begin(self, test: Owner) -> None:
        """Note who is shown warnings: within a test that records them itself, it is somebody else."""
        self._shown = _shown_to()
        super().begin(test)

    def _breach(self, coroutine: Coroutine, frame: FrameType, owner: Owner) -> Breach | None:
        if frame.f_globals.get("__name__", "").startswith("_pytest.") and not _is_ignored(_text(coroutine)):
            return _called_by_pytest(coroutine, owner)
        if not (owner.is_test_level and owner.accountable) or is_of_a_mock(coroutine):
            return None
        if _shown_to() is not self._shown or _is_ignored(_text(coroutine)):
            return None
        kind, names = _named(coroutine)
        at = _line(frame) or _origin(coroutine) or _kept(frame, owner, names)
        if at is None:
            return _dropped_by_a_library(coroutine, frame, owner)
        change = (
            expressions.awaited(at, names)
            or "await it, or give it to asyncio.create_task() and await the task"
        )
        what = f"{owner.name} never awaited the coroutine {kind}, so that nothing of it has run."
        message = NEVER_AWAITED.told((what, f"It was made at {at}."), (f"{at}: {change}",))
        return Breach("unawaited", owner, at, message)


class UnrunWatch(CoroutineWatch):
    """The guard ``unrun``: async methods of a plain ``unittest.TestCase``."""

    def _breach(self, coroutine: Coroutine, frame: FrameType, owner: Owner) -> Breach | None:
        code = coroutine.cr_code
        if frame.f_globals.get("__name__") != "unittest.case" or is_library(code.co_filename):
            return None
        at = Location(code.co_filename, code.co_firstlineno, coroutine.__name__)
        name, _, method = coroutine.__qualname__.rpartition(".")
        what = f"{owner.name}: nothing of the async method {method} of {name} has run."
        why = f"It is at {at}; a plain unittest.TestCase calls it, and drops the coroutine that it returns."
        change = f"class {name}(unittest.IsolatedAsyncioTestCase), or write it as a function"
        return Breach("unrun", owner, at, ASYNC_TEST_IN_TESTCASE.told((what, why), (change,)))


def _called_by_pytest(coroutine: Coroutine, owner: Owner) -> Breach | None:
    """Say of a function of the project's that pytest has called, and that it does not know to be async."""
    code = coroutine.cr_code
    if is_library(code.co_filename):
        return None
    at = Location(code.co_filename, code.co_firstlineno, coroutine.__name__)
    what = (
        f"pytest called {coroutine.__qualname__}, which is async, and awaited nothing: nothing of it has run."
    )
    change = f"an async fixture with autouse=True and a yield, in the place of {coroutine.__name__}"
    if not coroutine.__name__.startswith(("setup", "teardown")):
        change = f"have the fixture yield, and await behind that what {coroutine.__name__} does"
    return Breach("unawaited", owner, at, NEVER_AWAITED.told((what, f"It is at {at}."), (f"{at}: {change}",)))


def _dropped_by_a_library(coroutine: Coroutine, frame: FrameType, owner: Owner) -> Breach | None:
    """Say that a library which knows nothing of async has called an async method of what the project gave it."""
    at, file = place_in_the_project(frame), frame.f_code.co_filename
    is_called_there = f".{coroutine.__name__}(" in linecache.getline(file, frame.f_lineno)
    if at is None or not (is_library(file) and is_called_there and _drops(frame)):
        return None
    kind, _ = _named(coroutine)
    library, caller = frame.f_globals.get("__name__", file), frame.f_locals.get("cls")
    what = f"{owner.name} never awaited the coroutine {kind}, so that nothing of it has run."
    why = f"{library} called it, for {at}, and awaits nothing: it is written for synchronous objects."
    change = f"{at}: do it without {library.partition('.')[0]}, and await it"
    if str(library).startswith("factory.") and isinstance(caller, type):
        name = caller.__name__
        why = f"{why} {name} was given an {kind.partition('.')[0]} as its session."
        change = f"{at}: {name}.build(), session.add() of what it gives, and await session.commit()"
        change += f"; or have {name}._create() do so in an async function"
    return Breach("unawaited", owner, at, NEVER_AWAITED.told((what, why), (change,)))


def _line(frame: FrameType) -> Location | None:
    """Return the line of the project's that has just made what it drops."""
    code = frame.f_code
    return None if is_library(code.co_filename) or not _drops(frame) else Location.of_frame(frame)


def _drops(frame: FrameType) -> bool:
    """Whether a frame stands at an instruction that drops what its line has just made."""
    return frame.f_lasti >= 0 and dis.opname[frame.f_code.co_code[frame.f_lasti]].startswith(_DROPS)


def _origin(coroutine: Coroutine) -> Location | None:
    """Return the line that made a coroutine, if Python has noted it and it is the project's."""
    made = next((Location(*each) for each in coroutine.cr_origin or () if not _is_own(each[0])), None)
    return None if made is None or is_library(made.file) else made


def _kept(frame: FrameType, owner: Owner, names: Sequence[str]) -> Location | None:
    """Return the line that kept a coroutine in the function of the test, or of its fixture, or in its endpoint."""
    function = location_of(owner.function) if owner.kind != "request" else _endpoint(frame)
    return None if function is None else expressions.kept(function, names)


def _endpoint(frame: FrameType | None) -> Location | None:
    """Return where the endpoint is defined that FastAPI, further out on a stack, has called."""
    while frame is not None:
        if frame.f_code.co_name == "run_endpoint_function":
            return location_of(getattr(frame.f_locals.get("dependant"), "call", None))
        frame = frame.f_back
    return None


def _named(coroutine: Coroutine) -> tuple[str, Sequence[str]]:
    """Return what a coroutine is called, and what the call that made it may have named.

    All requests of our client are one method's, which is told theirs.
    """
    frame = coroutine.cr_frame
    values = frame.f_locals if frame is not None and _is_own(frame.f_code.co_filename) else {}
    method = values.get("method")
    if not isinstance(method, str):
        return coroutine.__qualname__, (coroutine.__name__,)
    return f"{type(values.get('self')).__name__}.{method.lower()}", (coroutine.__name__, method.lower())


def _text(coroutine: Coroutine) -> str:
    return f"coroutine '{coroutine.__qualname__}' was never awaited"


def _is_own(file: str) -> bool:
    return file.startswith(OWN)


def is_of_a_mock(coroutine: Coroutine) -> bool:
    """Whether ``unittest.mock`` has made a coroutine, in which nothing has run yet."""
    frame = coroutine.cr_frame
    return frame is not None and frame.f_globals.get("__name__") == "unittest.mock"


def _shown_to() -> object:
    return getattr(warnings, "_showwarnmsg_impl", None)


def _is_ignored(text: str) -> bool:
    for action, message, category, module, _ in warnings.filters:
        if (
            issubclass(RuntimeWarning, category)
            and module is None
            and (message is None or message.match(text))
        ):
            return action == "ignore"
    return False
