"""Find out who runs the project's async tests: pytest-asyncio, anyio's plugin, or nobody yet.

What a project already says about modes and loop scopes is its own business and is never changed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hermetic.cli.init.bindings import last_name
from hermetic.cli.init.configuration import Configuration
from hermetic.cli.init.editing import Setting
from hermetic.cli.init.loops import Remark, find_loops
from hermetic.cli.init.requirements import read_requirements
from hermetic.cli.init.sources import Module
from hermetic.cli.init.symbols import Symbols
from hermetic.cli.init.versions import find_bounds


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
    wanted = read_requirements((sources.root, configuration.path.parent))
    barred = "no:asyncio" in " ".join(configuration.strings("addopts"))
    anyio = "anyio_mode" in configuration.values or any(map(_uses_anyio, sources.tests))
    asyncio = not barred and (
        any(key.startswith("asyncio_") for key in configuration.values)
        or re.search(r"pytest[-_]asyncio", wanted) is not None
        or any(map(_uses_asyncio, sources.tests))
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


def _uses_anyio(module: Module) -> bool:
    """Whether a test module has anyio's mark, or names its fixture."""
    if not module.mentions("anyio", "anyio_backend"):
        return False
    named = [*(node.arg for node in module.of(ast.arg)), *(node.name for node in module.of(ast.FunctionDef))]
    return "anyio_backend" in named or _marks(module, "anyio") or _imports(module, "anyio_backend")


def _uses_asyncio(module: Module) -> bool:
    """Whether a test module has pytest-asyncio's mark, or imports it."""
    if not module.mentions("asyncio", "pytest_asyncio"):
        return False
    return _imports(module, "pytest_asyncio") or _marks(module, "asyncio")


def _imports(module: Module, name: str) -> bool:
    return any(re.search(rf"\b{name}\b", ast.unparse(node)) for node in module.imports)


def _marks(module: Module, name: str) -> bool:
    return module.mentions("mark") and any(
        node.attr == name and last_name(node.value) == "mark" for node in module.of(ast.Attribute)
    )


def _async_tests(module: Module) -> Iterator[ast.AsyncFunctionDef]:
    return (node for node in module.of(ast.AsyncFunctionDef) if node.name.startswith("test"))
