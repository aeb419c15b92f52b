"""Find out who runs the project's async tests: pytest-asyncio, anyio's plugin, or nobody yet.

What a project already says about modes and loop scopes is its own business and is never changed. Where it says
nothing, the session's loop for tests and fixtures alike is the setting under which nothing can be attached to another
loop; and on PostgreSQL, where a connection costs 2-5 ms and cannot change loops, it saves a connect a test.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hermetic.cli.init.configuration import Configuration
from hermetic.cli.init.editing import Setting
from hermetic.cli.init.requirements import read_requirements
from hermetic.cli.init.sources import Module, Sources

SCOPES = ("asyncio_default_fixture_loop_scope", "asyncio_default_test_loop_scope")
WHY_SESSION = (
    "One event loop for the run: pooled connections live in it, and a loop a test costs a connect a test."
)


@dataclass(frozen=True)
class Runner:
    """Who runs async tests.

    Attributes:
        asyncio: Whether it is pytest-asyncio.
        anyio: Whether it is anyio's plugin; both may be in use.
        async_tests: How many ``async def`` tests there are.
        settings: What is to be added to the configuration.
    """

    asyncio: bool
    anyio: bool
    async_tests: int
    settings: tuple[Setting, ...]

    @property
    def description(self) -> str:
        """The runner's name, for the report."""
        names = [name for name, used in (("pytest-asyncio", self.asyncio), ("anyio", self.anyio)) if used]
        return " and ".join(names) or "none"


def find_runner(
    sources: Sources, configuration: Configuration, is_available: Callable[[str], bool]
) -> Runner:
    """Tell the runner from settings, tests and requirements; failing those, from what is installed.

    Args:
        sources: The project.
        configuration: pytest's settings.
        is_available: Says whether a top-level module can be imported where this command runs.
    """
    text = "\n".join(ast.unparse(node) for module in sources.tests for node in _hints(module))
    wanted = read_requirements((sources.root, configuration.path.parent))
    barred = "no:asyncio" in " ".join(configuration.strings("addopts"))
    anyio = (
        bool(re.search(r"\bmark\.anyio\b|\banyio_backend\b", text)) or "anyio_mode" in configuration.values
    )
    asyncio = not barred and (
        any(key.startswith("asyncio_") for key in configuration.values)
        or bool(re.search(r"\bmark\.asyncio\b|\bpytest_asyncio\b", text))
        or re.search(r"pytest[-_]asyncio", wanted) is not None
    )
    if not asyncio and not anyio and not barred:
        asyncio = is_available("pytest_asyncio")
    count = sum(1 for module in sources.tests for test in _async_tests(module))
    settings = tuple(_settings(configuration, count, anyio)) if asyncio else ()
    return Runner(asyncio, anyio, count, settings)


def _settings(configuration: Configuration, async_tests: int, anyio: bool) -> Iterator[Setting]:
    if "asyncio_mode" not in configuration.values and not async_tests and not anyio:
        yield Setting("asyncio_mode", "auto")
    if not any(scope in configuration.values for scope in SCOPES):
        # One without the other would put fixtures and tests on different loops.
        yield Setting(SCOPES[0], "session", WHY_SESSION)
        yield Setting(SCOPES[1], "session")


def _hints(module: Module) -> Iterator[ast.AST]:
    """Yield the nodes of a test module that can name a runner."""
    for node in module.nodes:
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Attribute | ast.arg):
            yield node
        elif isinstance(node, ast.FunctionDef) and node.name == "anyio_backend":
            yield ast.Name(node.name)


def _async_tests(module: Module) -> Iterator[ast.AsyncFunctionDef]:
    for node in module.nodes:
        if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("test"):
            yield node
