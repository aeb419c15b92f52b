"""A plugin that counts, for each test, the requests that reached its application and the assertions that passed."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from typing import Any

import pytest
from starlette.applications import Starlette

from hermetic.code import is_library
from hermetic.pytest_plugin.counting import asserting_file

requests: defaultdict[str, list[str]] = defaultdict(list)
assertions: defaultdict[str, int] = defaultdict(int)
outcomes: dict[str, str] = {}
call = Starlette.__call__


async def counted_call(self: Starlette, scope: Any, receive: Any, send: Any) -> None:
    """Note what comes from outside, and call the application."""
    if "app" not in scope and scope["type"] != "lifespan":
        requests[_test()].append(f"{scope['type']} {scope.get('method', '')} {scope.get('path', '')}")
    await call(self, scope, receive, send)


def _test() -> str:
    return _name(os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0])


def _name(nodeid: str) -> str:
    return nodeid.replace("[asyncio]", "").replace("[asyncio-", "[").replace("-asyncio]", "]")


def pytest_configure() -> None:
    """Begin to count."""
    Starlette.__call__ = counted_call  # type: ignore[method-assign]


def pytest_assertion_pass(item: pytest.Item) -> None:
    """Count an assertion; those of plugins, which are rewritten too, differ between versions of Python."""
    if not is_library(asserting_file()):
        assertions[_name(item.nodeid)] += 1


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note how a test ends: by the worst of its phases."""
    if report.when == "call" or report.outcome != "passed":
        outcomes[_name(report.nodeid)] = f"{report.outcome}\n{report.longreprtext}"


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Note what cannot be collected."""
    if report.failed:
        outcomes[report.nodeid] = f"not collected\n{report.longreprtext}"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write down what was counted."""
    found = {
        test: {
            "outcome": outcome.partition("\n")[0],
            "requests": sorted(requests[test]),
            "assertions": assertions[test],
            "text": outcome.partition("\n")[2],
        }
        for test, outcome in outcomes.items()
    }
    (session.config.rootpath / "counted.json").write_text(json.dumps(found))
