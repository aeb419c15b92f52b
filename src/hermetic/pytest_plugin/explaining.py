"""A failed test as ``hermetic.explain`` wants to see it, and its explanations below the traceback."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from hermetic.code import location_of
from hermetic.explain.failure import Failure, UsedFixture
from hermetic.explain.history import History
from hermetic.explain.runner import Runner
from hermetic.owners import PROCESS, Owner
from hermetic.pytest_plugin import marks
from hermetic.pytest_plugin.async_runner import loop_of, runner_of
from hermetic.pytest_plugin.state import OWNER, SETTINGS
from hermetic.settings import Settings

DID = "hermetic: what the test did"
WHY = "hermetic: why this failed"

ALL = 2
"""How verbose pytest must be for all of it: ``-vv``."""


def failure_of(item: pytest.Item, call: pytest.CallInfo[None]) -> Failure:
    """Return what is known of a part of a test that raised."""
    assert call.excinfo is not None
    function = getattr(item, "function", None)
    runner = runner_of(item)
    return Failure(
        item.stash.get(OWNER, None) or Owner(item.nodeid, "test", "function"),
        call.when,
        call.excinfo.value,
        location_of(function),
        inspect.iscoroutinefunction(function),
        tuple(_fixtures(item, runner)),
        runner,
        str(item.config.rootpath),
        marks.isolation(item, item.config.stash[SETTINGS]),
    )


def explain(report: pytest.TestReport | pytest.CollectReport, failure: Failure, history: History) -> None:
    """Show below the traceback what a failure means, if that is known."""
    from hermetic.explain.explanations import explanations  # a run without failures does without

    add_section(report, WHY, "\n\n".join(explanations(failure, history)))


def explain_collection(report: pytest.CollectReport, history: History) -> None:
    """Show below the traceback what it means that a module or a conftest did not import, if that is known."""
    call = getattr(report, "call", None)
    if call is not None and call.excinfo is not None:
        explain(report, Failure(PROCESS, "collect", call.excinfo.value), history)


def explain_import(error: BaseException, history: History) -> None:
    """Note on the error of a conftest what it means, if that is known: pytest shows it with its notes."""
    from hermetic.explain.explanations import explanations

    found = explanations(Failure(PROCESS, "collect", error), history)
    if found:
        (error.__cause__ or error).add_note("\n".join(["", f"{WHY}:", *found]))


def add_section(report: pytest.TestReport | pytest.CollectReport, title: str, text: str) -> None:
    """Show a text, if there is any, below the traceback, be there one or not."""
    if not text:
        return
    add = getattr(report.longrepr, "addsection", None)
    if add is not None:
        add(title, text)  # --show-capture=no hides all others
    else:
        report.sections.append((title, text))


def say_what_it_did(
    report: pytest.TestReport, config: pytest.Config, settings: Settings, history: History
) -> None:
    """Show below the traceback what the test did, as much of it as is asked for.

    A mistake of ours here must not hide the test's own failure: it is shown in its place.
    """
    from hermetic.explain.activity import Detail, activity, short_activity

    detail = Detail(settings.masking, str(config.rootpath), config.getoption("verbose", 0) >= ALL)
    is_short = settings.failures == "short" or config.getoption("tbstyle", "auto") == "line"
    try:
        text = (short_activity if is_short else activity)(history, detail)
    except Exception as error:
        text = f"hermetic failed to say what the test did, which is a fault of hermetic's: {error!r}"
    add_section(report, DID, text)


def _fixtures(item: pytest.Item, runner: Runner) -> Iterator[UsedFixture]:
    info = getattr(item, "_fixtureinfo", None)
    definitions: dict[str, Sequence[pytest.FixtureDef[Any]]] = getattr(info, "name2fixturedefs", {})
    for name, overridden in definitions.items():
        fixture = overridden[-1]
        is_async = inspect.iscoroutinefunction(fixture.func) or inspect.isasyncgenfunction(fixture.func)
        loop, value = loop_of(fixture, runner), (fixture.cached_result or (None,))[0]
        yield UsedFixture(name, fixture.scope, location_of(fixture.func), is_async, loop, value)
