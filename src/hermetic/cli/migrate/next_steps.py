"""Say what a user has to do once a suite is asynchronous."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from hermetic.migrate.step import Project
from hermetic.source.requirements import read_requirements
from hermetic.source.runner import find_runner

NAMED = re.compile(r"\bhermetic\b")
ASYNCIO = re.compile(r"\bpytest[-_]asyncio\b|\bhermetic\[[^]]*\basyncio\b")


def next_steps(project: Project, installed: Callable[[str], str]) -> Iterator[str]:
    """Yield what a project lacks for its tests to run, and what to do then.

    Args:
        project: The project with its asynchronous tests.
        installed: Returns the version of a distribution where this command runs; empty where it is not installed.
    """
    sources, configuration = project.symbols.sources, project.configuration
    requirements = read_requirements((sources.root, configuration.path.parent))
    if not NAMED.search(requirements):
        yield "add hermetic[asyncio] to the requirements of the tests, which do not name hermetic"
    runner = find_runner(project.symbols, configuration, installed)
    if not runner.asyncio and not runner.anyio:
        yield "pip install 'hermetic[asyncio]', then hermetic init: nobody runs asynchronous tests here"
    elif runner.asyncio and not runner.bounds and not ASYNCIO.search(requirements):
        yield "pip install 'hermetic[asyncio]': there is no pytest-asyncio here, which runs the asynchronous tests"
    elif runner.is_unclaimed and "asyncio_mode" not in configuration.values:
        yield "hermetic init, which sets asyncio_mode = auto: no test has a mark, and in strict mode nobody runs them"
    if "hermetic_app" not in configuration.values and "hermetic" not in configuration.values:
        yield "hermetic init, for a database of their own that is clean before each test, if you like"
    yield "run pytest"
