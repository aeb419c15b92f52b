"""The hooks of an active run: what pytest does, told to ``Run``."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import pytest

from hermetic.events.lifecycle import Breach
from hermetic.explain.history import History
from hermetic.owners import Owner, current, owned_by
from hermetic.pytest_plugin import fixtures, marks
from hermetic.pytest_plugin.calls import import_drivers, owned_fixture, wrapped_call
from hermetic.pytest_plugin.state import EXAMPLES, FAILED, OWNER, TOLD
from hermetic.pytest_plugin.tracebacks import (
    UnavailableServers,
    bracket,
    error_of_ours,
    errors_as_failures,
    errors_as_usage_errors,
    finished_unless_its_own,
    hide_own_frames,
    show_the_project_alone,
)
from hermetic.report.recorder import Recorder
from hermetic.report.shown import failure_sections
from hermetic.run import Run
from hermetic.settings import GUARDS, Level
from hermetic.steps import every_step

_FIRST = "_hermetic_test"
_LOOPS = (asyncio.Runner, asyncio.AbstractEventLoop)


class HermeticWarning(pytest.PytestWarning):
    """What a guard found, where its level is ``warn``."""


class Active:
    """Hooks of a run in mode ``observe`` or ``on``."""

    def __init__(self, run: Run, recorder: Recorder, history: History, asked: fixtures.Asked) -> None:
        self.run = run
        self.asked = asked
        self.recorder = recorder
        self.history = history
        self._fixtures: WeakKeyDictionary[Any, Owner] = WeakKeyDictionary()
        self._item: pytest.Item | None = None
        self._ending: frozenset[str] = frozenset()
        self._is_setting_up = False
        self._unavailable = UnavailableServers()
        self._explains = run.settings.failures != "off"

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self) -> None:
        """xdist is about to start workers, which inherit the environment."""
        with errors_as_usage_errors():
            self.run.containment.share()

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """After a run that was cut short wider fixtures end only here; what a worker was told goes to ``reporting``."""
        self.run.begin_last_teardown()
        try:
            return (yield)
        finally:
            self.run.conclude()
            output = getattr(session.config, "workeroutput", None)
            if output is not None:
                output["hermetic"] = self.recorder.process.plain()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            if not _is_of_a_worker(item):
                marks.check(item)
            _begin_with(_FIRST, getattr(item, "fixturenames", []))

    # Inside pytest's own wrappers: where this fails before the set-up, their teardown needs what theirs prepared.
    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, None, None]:
        __tracebackhide__ = True
        function = getattr(item, "function", None)
        self._item = item
        owner = item.stash[OWNER] = Owner(item.nodeid, "test", "function", function=function)
        self.history.begin(owner)
        import_drivers(self.run)
        if _is_of_a_worker(item):  # whose usage errors nobody reads
            marks.fail_wrong(item)
        with errors_as_failures():
            self.run.begin_test(
                marks.boundary(item, self.run.settings),
                owner,
                marks.levels(item, self.run.settings),
            )
        with owned_by(owner, everywhere=True), self._fixtures_of_examples(item, owner):
            self._is_setting_up = True
            try:
                return (yield)
            except BaseException:  # else what the fixtures opened stays open for the test
                self.run.loop_resources.close_idle()
                raise
            finally:
                self._is_setting_up = False

    @contextmanager
    def _fixtures_of_examples(self, item: pytest.Item, owner: Owner) -> Generator[None, None, None]:
        """What function-scoped fixtures wrote is the baseline of each hypothesis example, not just of the first."""
        if not hasattr(getattr(item, "obj", None), "hypothesis"):
            yield
            return
        item.stash[EXAMPLES] = Owner(f"the fixtures of {item.nodeid}", "fixture", "function", owner)
        frame = self.run.checkpoints.begin(item.stash[EXAMPLES])
        try:
            yield
        finally:
            with every_step() as step:
                with step:
                    self.run.loop_resources.close_idle()
                with step:
                    self.run.checkpoints.end(frame)

    @pytest.fixture(autouse=True)
    def _hermetic_test(self) -> Generator[None, None, None]:
        """The test ends after its own fixtures, and before wider ones end."""
        item = self._item
        yield
        self._end_test(item)

    def _end_test(self, item: Any) -> None:
        """End what the test left open and undo what it changed."""
        levels = marks.levels(item, self.run.settings)
        background = marks.background(item, self.run.settings)
        restore = marks.isolation(item, self.run.settings) == "test"
        found: dict[Level, list[Breach]] = {"error": [], "warn": [], "off": []}

        def left(breaches: list[Breach]) -> None:
            for breach in breaches:
                found[levels[breach.guard]].append(breach)
            failed = FAILED in item.stash or found["error"]
            if failed and self.run.settings.keep_failed:
                self.run.keep()

        with every_step() as step:
            with step, errors_as_failures():
                self.run.end_test(restore=restore, ending=self._ending, background=background, left=left)
            with step:
                self._report(found)

    def _report(self, found: Mapping[Level, list[Breach]]) -> None:
        if self.run.settings.mode == "observe":
            return  # the summary tells
        with every_step() as step:
            for breach in found["warn"]:
                with step:
                    self._warn(breach)
            if found["error"]:
                with step:
                    pytest.fail("\n\n".join(each.message for each in found["error"]), pytrace=False)

    def _warn(self, breach: Breach) -> None:
        """Give a warning; where warnings are errors it is one, unless nobody has asked for this guard to warn."""
        file, line, _ = breach.location
        key = f"hermetic_{breach.guard}"
        is_asked_for = key in self.run.settings.sources or GUARDS[breach.guard].default != "warn"
        with warnings.catch_warnings():
            try:
                warnings.warn_explicit(HermeticWarning(breach.message), HermeticWarning, file, line)
            except HermeticWarning:
                if is_asked_for:
                    raise
                warnings.simplefilter("always", HermeticWarning)
                warnings.warn_explicit(HermeticWarning(breach.message), HermeticWarning, file, line)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        with owned_by(item.stash[OWNER], everywhere=True), wrapped_call(item, self.run):
            try:
                return (yield)
            except BaseException:
                self.run.tell_of_failure(item.stash[OWNER])
                raise
            finally:
                self.run.loop_resources.close_idle()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, None, None]:
        self._ending = _ending_scopes(item, nextitem)
        if nextitem is None:
            self.run.begin_last_teardown()
        owner = item.stash.get(OWNER, None) or Owner(item.nodeid, "test", "function")
        try:
            with owned_by(owner, everywhere=True), every_step() as step:
                if EXAMPLES in item.stash:
                    with step, errors_as_failures():
                        self.run.checkpoints.finish(item.stash[EXAMPLES])
                with step:
                    yield
                if OWNER in item.stash and _FIRST not in getattr(item, "fixturenames", ()):
                    with step:
                        self._end_test(item)  # a kind of test that has no fixtures
        finally:
            owner.alive = False

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        __tracebackhide__ = True
        scope: Any = request.scope  # an indirect parametrization may widen the fixture's own
        is_ours = getattr(fixturedef.func, "__module__", None) == fixtures.__name__
        if is_ours:
            self.asked.request = request
        elif fixturedef.argname == fixtures.APPLICATION:
            self.run.provider.note_application_of_the_suite()
        owner = Owner(
            f"fixture {fixturedef.argname!r} ({scope} scope)",
            "fixture",
            scope,
            current(),
            accountable=not is_ours,
            function=fixturedef.func,
        )
        owning = owned_fixture(fixturedef, owner, request)
        if scope == "function":
            with owned_by(owner, everywhere=True), owning:
                value = yield
            if issubclass(type(value), _LOOPS):  # pytest-asyncio's, of the test
                fixturedef.addfinalizer(self.run.background.end_loop)
            return value
        with finished_unless_its_own(fixturedef, request):
            with bracket():
                frame = self.run.checkpoints.begin(owner)
            self._fixtures[fixturedef] = owner
            try:
                with owned_by(owner, everywhere=True), owning:
                    return (yield)
            finally:
                with bracket():
                    self.run.checkpoints.end(frame)

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        """At its end, and, of a parametrized one, in the set-up of the test that asks for the next parameter."""
        if not self._is_setting_up:
            self.run.loop_resources.close_idle()
        owner = self._fixtures.pop(fixturedef, None)
        if owner is None:
            return
        fixturedef.cached_result = None  # pytest 8.2 does so only after this hook, and so not where it fails
        with errors_as_failures():
            self.run.checkpoints.finish(owner, at_once=self._is_setting_up)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        error = error_of_ours(call.excinfo)
        if call.excinfo is not None and not item.config.getoption("fulltrace", False):
            (show_the_project_alone if error is not None else hide_own_frames)(call.excinfo)
        report = yield
        if report.failed and error is not None:
            self._unavailable.shorten(report, error)
        facts = self.recorder.take_test()
        if facts:
            report.hermetic = facts.plain()  # type: ignore[attr-defined]
        causes = self.run.explain(call.excinfo.value) if call.excinfo is not None else []
        report.sections += failure_sections(facts, causes, failed=report.failed)
        if report.failed:
            item.stash[FAILED] = True
            if call.excinfo is not None and self._explains:
                self._explain(item, call, report)
        if call.when == "teardown":
            self.history.end()
        return report

    def _explain(self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
        """Say, once a test, what it did, and why this part of it failed."""
        from hermetic.pytest_plugin import explaining  # a run without failures does without

        if TOLD not in item.stash:
            item.stash[TOLD] = True
            explaining.say_what_it_did(report, item.config, self.run.settings, self.history)
        explaining.explain(report, explaining.failure_of(item, call), self.history)

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        report = yield
        if report.failed and self._explains:
            from hermetic.pytest_plugin.explaining import explain_collection

            explain_collection(report, self.history)
        return report

    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> None:
        marks.refuse_without_runner(pyfuncitem)


def _is_of_a_worker(item: pytest.Item) -> bool:
    return hasattr(item.config, "workerinput")


def _begin_with(name: str, fixturenames: list[str]) -> None:
    """Set our fixture up before all others, so that it ends after them: those of other plugins are autouse too."""
    if name in fixturenames:
        fixturenames.remove(name)
        fixturenames.insert(0, name)


def _ending_scopes(item: pytest.Item, nextitem: pytest.Item | None) -> frozenset[str]:
    if nextitem is None:
        return frozenset({"function", "module", "session"})
    in_one = item.parent is nextitem.parent or item.getparent(pytest.Module) is nextitem.getparent(
        pytest.Module
    )
    return frozenset({"function"} if in_one else {"function", "module"})
