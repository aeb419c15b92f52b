"""What the fork server finds out once for all of its runs: each would find the same, and spend half of its time on it.

`forkserver.py` imports this by its bare name, and takes it out of ``sys.modules`` again: a run finds no module of ours.
What is replaced here is pytest's and pluggy's own, and answers what it would have answered.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import json
import os
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

Holder = type | ModuleType

LONG = 300
"""How many lines a file has that is worth remembering."""

PLUGINS = ("_pytest", "anyio.pytest_plugin", "hermetic.pytest_plugin", "pytest_asyncio")
"""How the names of modules begin that are plugins, or have their classes."""


def what_is_installed() -> None:
    """Keep it for all runs: for each ``-p`` pytest reads the entry points of every package, 15 % of a small run."""
    importlib.metadata.PathDistribution = functools.cache(_Installed)  # type: ignore[assignment, misc]
    for package in importlib.metadata.distributions():
        if package.entry_points.select(group="pytest11"):
            assert package.metadata  # the header has the versions of plugins


class _Installed(importlib.metadata.PathDistribution):
    """A package that is read at the first question."""

    @functools.cached_property
    def entry_points(self) -> Any:
        return super().entry_points

    @functools.cached_property
    def metadata(self) -> Any:
        return super().metadata


def names_of_plugins() -> None:
    """Have pytest ask of its plugins the names alone that are fixtures or hooks: it looks at 2,300 in each run."""
    fixtures: Any = import_module("_pytest.fixtures")
    manager: Any = import_module("pluggy._manager")
    read, find = (
        functools.partial(getattr(fixtures.FixtureManager, name), None)
        for name in ("_lookup_in_type_dict", "_find_wrapped_fixture_def")
    )

    def is_fixture(holder: Holder, name: str) -> bool:
        found = fixtures.safe_getattr(holder, name, None)
        return type(found) is fixtures.FixtureFunctionDefinition or find(read(holder, name)) is not None

    holders = list(_holders())
    with_fixtures = {each: [name for name in dir(each) if is_fixture(each, name)] for each in holders}
    with_hooks = {each: [name for name in dir(each) if name.startswith("pytest_")] for each in holders}

    def may_be_fixtures(holder: object) -> list[str]:
        """An object has those of its class."""
        found = with_fixtures.get(holder if isinstance(holder, Holder) else type(holder))
        return dir(holder) if found is None else found

    def may_be_hooks(holder: object) -> list[str]:
        found = with_hooks.get(holder) if isinstance(holder, Holder) else None
        return dir(holder) if found is None else found

    fixtures.dir, manager.dir = may_be_fixtures, may_be_hooks
    _functions_of_hooks(
        manager, {each: names for each, names in with_hooks.items() if isinstance(each, ModuleType)}
    )


def _functions_of_hooks(manager: Any, hooks: dict[ModuleType, list[str]]) -> None:
    """Have pluggy look for the functions of modules' hooks, and at what they take, no more."""
    implementation: Any = import_module("pluggy._impl")
    find, look = manager._static_hook_attr, implementation.varnames
    found: dict[tuple[object, str], Any] = {
        (module, name): find(module, name) for module, names in hooks.items() for name in names
    }
    taken = {each[1]: look(each[1]) for each in found.values() if each is not None}

    def function(holder: object, name: str) -> Any:
        is_known = isinstance(holder, ModuleType) and (holder, name) in found
        return found[holder, name] if is_known else find(holder, name)

    def arguments(function: Any) -> Any:
        return taken[function] if isinstance(function, FunctionType) and function in taken else look(function)

    manager._static_hook_attr, implementation.varnames = function, arguments


def _holders() -> Iterator[Holder]:
    """Yield the modules of pytest's plugins, and their classes."""
    for module in [module for name, module in sys.modules.items() if name.startswith(PLUGINS)]:
        yield module
        for each in vars(module).values():
            if isinstance(each, type) and each.__module__ == module.__name__:
                yield each


def statements(folder: Path) -> None:
    """Have all runs keep where the statements of long files begin.

    pytest parses each file that a traceback goes through, most of them SQLAlchemy's, for each failure anew: of runs
    that fail below it that is half of the time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    code: Any = import_module("_pytest._code.code")
    find = code.getstatementrange_ast

    def found(line: int, source: Any, assertion: bool = False, astnode: ast.AST | None = None) -> Any:
        if astnode is not None or len(source.lines) < LONG:
            return find(line, source, assertion, astnode)
        text = "\n".join(source.lines).encode("utf-8", "surrogatepass")
        kept = folder / hashlib.sha256(text).hexdigest()
        if kept.exists():
            astnode = ast.Module([], [])
            astnode._pytest_statement_linenos = json.loads(kept.read_bytes())  # type: ignore[attr-defined]
            return find(line, source, assertion, astnode)
        parsed, start, end = find(line, source, assertion)
        new = folder / f"{kept.name}.{os.getpid()}"
        new.write_text(json.dumps(parsed._pytest_statement_linenos))
        new.rename(kept)
        return parsed, start, end

    code.getstatementrange_ast = found
