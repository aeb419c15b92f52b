"""Find out who runs the project's async tests: pytest-asyncio, anyio's plugin, or nobody yet.

What a project already says about modes and loop scopes is its own business and is never changed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hermetic.cli.init.configuration import Configuration
from hermetic.cli.init.editing import Setting
from hermetic.cli.init.loops import Remark, find_loops
from hermetic.cli.init.requirements import read_requirements
from hermetic.cli.init.sources import Module
from hermetic.cli.init.symbols import Symbols
from hermetic.cli.init.versions import find_bounds

MARKS = frozenset({"anyio", "asyncio", "anyio_backend"})


@dataclass(frozen=True)
class Runner:
    """Who runs async tests.

    Attributes:
        asyncio: Whether it is pytest-asyncio.
        anyio: Whether it is anyio's plugin; both may be in use.
        async_tests: How many ``async def`` tests there are.
        settings: What is to be added to the configuration.
        remarks: What is to be said of event loops.
    """

    asyncio: bool
    anyio: bool
    async_tests: int
    settings: tuple[Setting, ...]
    remarks: tuple[Remark, ...]

    @property
    def description(self) -> str:
        """The runner's name, for the report."""
        names = [name for name, used in (("pytest-asyncio", self.asyncio), ("anyio", self.anyio)) if used]
        return " and ".join(names) or "none"


def find_runner(symbols: Symbols, configuration: Configuration, installed: Callable[[str], str]) -> Runner:
    """Tell the runner from settings, tests and requirements; failing those, from what is installed.

    Args:
        symbols: The project's names.
        configuration: pytest's settings.
        installed: Returns the version of a distribution where this command runs; empty where there is none.
    """
    sources = symbols.sources
    text = "\n".join(hint for module in sources.tests for hint in _hints(module))
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
        asyncio = bool(installed("pytest-asyncio"))
    count = sum(1 for module in sources.tests for test in _async_tests(module))
    if not asyncio:
        return Runner(asyncio, anyio, count, (), ())
    bounds = find_bounds("pytest-asyncio", sources.around(configuration.path.parent), installed)
    loops = find_loops(sources.tests, symbols, configuration, bounds)
    free = "asyncio_mode" not in configuration.values and not count and not anyio
    mode = (Setting("asyncio_mode", "auto"),) if free else ()
    return Runner(asyncio, anyio, count, (*mode, *loops.settings), loops.remarks)


def _hints(module: Module) -> Iterator[str]:
    """Yield what of a test module can name a runner."""
    if not module.mentions(*MARKS):
        return
    yield from map(ast.unparse, module.imports)
    yield from (node.arg for node in module.of(ast.arg))
    yield from (node.name for node in module.of(ast.FunctionDef))
    yield from (ast.unparse(node) for node in module.of(ast.Attribute) if node.attr in MARKS)


def _async_tests(module: Module) -> Iterator[ast.AsyncFunctionDef]:
    return (node for node in module.of(ast.AsyncFunctionDef) if node.name.startswith("test"))
