"""Count what a test really runs: requests, assertions, and the coroutines that nobody awaits.

``hermetic migrate --verify`` loads this plugin by ``-p`` in both of its runs. It contains no database and changes no
outcome. A test whose awaited call never runs passes with fewer requests and assertions than before, or leaves a
coroutine that Python tells of when it is collected: so all is collected after each test. What a collection leaves is
not looked at again before the run ends: of 500 tests of FastAPI's the collections took half of the time, and
each took longer than the last. Python tells of it by a warning that a suite may ignore, and of which pytest makes
another one in the midst of a collection; here the warning's own function is listened to, so that no filter matters.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from inspect import unwrap
from pathlib import Path
from time import perf_counter
from types import CodeType, FrameType
from typing import Any

import pytest

from hermetic.code import is_library, project_modules
from hermetic.migrate.verify.record import FOLDER, LATE, LIMIT, MAIN, Counts, Ran, Shared, Unawaited, Writer
from hermetic.pytest_plugin.counted_calls import CountedCalls

NAME = "hermetic-counting"
FRAMES = 8
"""How many of the frames that made a coroutine are looked at: a client's own are the innermost."""
SAME = {
    "randomly_seed": 1,
    "randomly_reorganize": False,
    "hypothesis_seed": "1",
    "stepwise": False,
    "stepwise_skip": False,
    "lf": False,
    "failedfirst": False,
    "newfirst": False,
}
"""The options of pytest, pytest-randomly and Hypothesis by which runs differ or end early, and what they are here."""
LONGEST = 300
"""Characters of an error that are kept."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Begin to count; what is random is the same in each run, and what tests share falls to the same ones."""
    folder = os.environ.get(FOLDER)
    if folder is None:
        raise pytest.UsageError(f"{__name__} writes into the folder that {FOLDER} names, and it names none")
    writer = Writer(Path(folder), os.environ.get("PYTEST_XDIST_WORKER", MAIN))
    for name, value in SAME.items():
        if hasattr(config.option, name):
            setattr(config.option, name, value)
    limit = float(os.environ.get(LIMIT, 0))
    config.pluginmanager.register(Counting(config, writer, limit), NAME)


class Counting:
    """The hooks of a run that counts.

    Args:
        config: pytest's.
        writer: Writes down what was counted.
        limit: Seconds after which the set-up, the call or the teardown of a test fails; 0 for none.
    """

    def __init__(self, config: pytest.Config, writer: Writer, limit: float) -> None:
        self._config = config
        self._writer = writer
        self._limit = limit
        self._outside = Counts()
        self._counts = self._outside
        self._test = ("", "")
        self._reports: dict[str, pytest.TestReport] = {}
        self._unawaited: list[Unawaited] = []
        self._calls = CountedCalls(lambda: self._counts)
        self._stop = _listen(self._unawaited.append)

    def pytest_sessionstart(self) -> None:
        if self._config.getoption("assertmode", "rewrite") != "rewrite":
            self._writer.write("uncounted", "assertions: the suite runs with --assert=plain")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._writer.write("uncollected", (report.nodeid, _why(report)))

    def pytest_collection_finish(self) -> None:
        self._calls.listen()
        _collect()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self._calls.listen()
        counts = self._counts = Counts()
        self._test = (str(item.path), _path(item))
        self._reports = {}
        self._tell_of_others()
        parameters, backend = _parameters(item)
        self._writer.write("begin", (*self._test, parameters))
        began = perf_counter()
        try:
            return (yield)
        finally:
            seconds = perf_counter() - began
            _collect()
            outcome, why = _outcome(self._reports)
            unawaited = tuple(self._unawaited)
            self._unawaited.clear()
            test = Ran(
                *self._test, parameters, backend, _defined(item), outcome, why, counts, unawaited, seconds
            )
            if self._reports:
                self._writer.ended(test)
            self._test = ("", "")
            self._counts = self._outside

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, call: Any) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.when == "setup":  # of a test that is run again, too
            self._reports = {}
        self._reports[report.when or ""] = report
        return report

    def pytest_assertion_pass(self) -> None:
        if not is_library(asserting_file()):  # plugins are rewritten, too
            self._counts.assertions += 1

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> Generator[None, object, object]:
        if fixturedef.scope == "function":
            return (yield)
        with self._shared(f"{fixturedef.baseid}::{fixturedef.argname}"):
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Generator[None, None, None]:
        with _limited(self._limit):
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Generator[None, None, None]:
        with _limited(self._limit):
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Generator[None, None, None]:
        with self._shared("teardown"), _limited(self._limit):
            return (yield)

    @contextmanager
    def _shared(self, name: str) -> Iterator[None]:
        """Count what runs as of nobody's, or of several tests'."""
        around, self._counts = self._counts, Counts()
        try:
            yield
        finally:
            counts, self._counts = self._counts, around
            if counts.requests or counts.sent or counts.assertions:
                self._writer.write("shared", asdict(Shared(name, counts, self._test)))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        self._writer.write("modules", sorted(self._modules()))

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        gc.unfreeze()
        gc.collect()
        self._stop()
        self._tell_of_others()
        self._writer.write("shared", asdict(Shared("outside of tests", self._outside)))
        self._writer.write("end", None)
        self._writer.close()

    def _tell_of_others(self) -> None:
        """Write down the coroutines that were dropped while no test ran."""
        for each in self._unawaited:
            self._writer.write("unawaited", asdict(each))
        self._unawaited.clear()

    def _modules(self) -> set[str]:
        """Return the files of what was imported; of conftests pytest forgets the modules, whose name is the same."""
        found = [*project_modules(), *self._config.pluginmanager.get_plugins()]
        files = (getattr(each, "__file__", None) for each in found)
        return {file for file in files if isinstance(file, str) and not is_library(file)}


def _collect() -> None:
    """Collect what nobody has any more, and have later collections look at what is made from now on."""
    gc.collect()
    gc.freeze()


@contextmanager
def _limited(limit: float) -> Iterator[None]:
    """Fail what takes longer than a limit, wherever it waits, and again where that is caught.

    A test that blocks its own event loop waits for ever. Nothing is done where somebody else has such a limit.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not (limit and is_main and signal.getsignal(signal.SIGALRM) is signal.SIG_DFL):
        yield
        return

    def fail(*_: object) -> None:
        pytest.fail(f"{LATE} {limit:g} s")

    signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, limit, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


def asserting_file() -> str:
    """Return the file of the assertion of which pytest tells; an assertion here would tell of itself."""
    frame: FrameType | None = sys._getframe()
    is_next = False
    while frame is not None and not is_next:
        is_next = frame.f_code.co_name == "_call_assertion_pass"
        frame = frame.f_back
    return "" if frame is None else frame.f_code.co_filename


def _listen(tell: Callable[[Unawaited], None]) -> Callable[[], None]:
    """Listen to what Python says of coroutines that were never awaited; return what ends that."""
    original = warnings._warn_unawaited_coroutine  # type: ignore[attr-defined]
    depth = sys.get_coroutine_origin_tracking_depth()

    def told(coroutine: Any) -> None:
        made = (frame for frame in coroutine.cr_origin or () if not is_library(frame[0]))
        tell(Unawaited(coroutine.__qualname__, tuple(made)))
        original(coroutine)

    def stop() -> None:
        if warnings._warn_unawaited_coroutine is told:  # type: ignore[attr-defined]
            warnings._warn_unawaited_coroutine = original  # type: ignore[attr-defined]
        sys.set_coroutine_origin_tracking_depth(depth)

    warnings._warn_unawaited_coroutine = told  # type: ignore[attr-defined]
    sys.set_coroutine_origin_tracking_depth(FRAMES)
    return stop


def _path(item: pytest.Item) -> str:
    """Return the classes and the name of a test, without parameters."""
    classes = [node.name for node in item.listchain() if isinstance(node, pytest.Class)]
    return "::".join([*classes, getattr(item, "originalname", None) or item.name])


def _parameters(item: pytest.Item) -> tuple[str, str]:
    """Return the id of a test's parameters, and the name of anyio's backend among them."""
    parameters = getattr(item, "callspec", None)
    if parameters is None:
        return "", ""
    backend = parameters.params.get("anyio_backend", "")
    return str(parameters.id), str(backend[0] if isinstance(backend, tuple) else backend)


def _defined(item: pytest.Item) -> tuple[str, str]:
    """Return where the function of a test is, as far as it can be told."""
    function = getattr(item, "obj", None)
    code = getattr(unwrap(function) if callable(function) else None, "__code__", None)
    if not isinstance(code, CodeType):
        return str(item.path), _path(item)
    return code.co_filename, code.co_qualname.replace(".<locals>", "").replace(".", "::")


def _outcome(reports: dict[str, pytest.TestReport]) -> tuple[str, str]:
    """Return how a test ended, by the reports of its phases, and what pytest says of that."""
    for when, report in reports.items():
        if report.failed:
            return ("failed" if when == "call" else "error"), _why(report)
    for report in reports.values():
        if hasattr(report, "wasxfail"):
            return ("xfailed" if report.skipped else "xpassed"), str(report.wasxfail)
        if report.skipped:
            return "skipped", _why(report)
    return "passed", ""


def _why(report: pytest.TestReport | pytest.CollectReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        text = str(crash.message)
    elif isinstance(report.longrepr, tuple):
        text = report.longrepr[2]
    else:
        text = next((line for line in reversed(str(report.longrepr).splitlines()) if line.strip()), "")
    return text.strip().partition("\n")[0][:LONGEST]
