"""A project as the rules see it: its files, its suite, its settings, and the versions that it runs with."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hermetic.doctor.versions import Versions
from hermetic.source.bindings import Bindings
from hermetic.source.configuration import Configuration
from hermetic.source.databases import Databases
from hermetic.source.dataflow import Dataflow
from hermetic.source.fixtures import Suite
from hermetic.source.modules import Module
from hermetic.source.runner import AsyncSettings, read_async_settings
from hermetic.source.settings_classes import Fields
from hermetic.source.sources import Sources
from hermetic.source.symbols import Symbols
from hermetic.source.variable_values import Given, find_given


@dataclass(frozen=True)
class Subject:
    """What is examined.

    Attributes:
        symbols: The project's names.
        configuration: pytest's settings.
        versions: What is known of the project's packages.
        databases: The kinds of databases that there are.
        is_on: Whether hermetic makes the databases of the tests.
        uses_hermetic: Whether its settings count.
    """

    symbols: Symbols
    configuration: Configuration
    versions: Versions
    databases: Databases
    is_on: bool
    uses_hermetic: bool = True

    @property
    def sources(self) -> Sources:
        """The project's files."""
        return self.symbols.sources

    @property
    def places(self) -> list[Path]:
        """The directories that may say something of the project: where its configuration lies, and those above."""
        return self.sources.around(self.configuration.path.parent)

    @property
    def modules(self) -> list[Module]:
        """The modules that run in tests: those of the application, and of the suite."""
        return [each for each in self.sources.modules.values() if each.is_test or each.is_production]

    @cached_property
    def suite(self) -> Suite:
        """The fixtures and tests."""
        return Suite(self.symbols, self.configuration)

    @cached_property
    def settings(self) -> AsyncSettings:
        """How async tests are run."""
        return read_async_settings(self.configuration)

    @cached_property
    def bindings(self) -> Bindings:
        """What names are bound to, in the application and in the suite."""
        return Bindings(self.symbols, self.modules)

    @cached_property
    def given(self) -> Given:
        """The values of variables."""
        return find_given(self.bindings, self._fields, self.configuration, self.databases)

    @cached_property
    def dataflow(self) -> Dataflow:
        """Where values come from."""
        return Dataflow(self.bindings, self._fields, self.given.values)

    def is_tried(self, call: ast.Call, module: Module) -> bool:
        """Whether a call is expected to fail, or what it raises is caught."""
        for outer in self.bindings.around(module.path, call):
            if isinstance(outer, ast.Try) and outer.handlers:
                return True
            if isinstance(outer, ast.With | ast.AsyncWith) and "raises" in ast.unparse(outer.items[0]):
                return True
        return False

    @cached_property
    def _fields(self) -> Fields:
        return Fields(self.bindings)


@dataclass(frozen=True)
class Spot:
    """Where a rule found something.

    Attributes:
        file: The file.
        line: The line, from 1.
        column: The column in it, in bytes of UTF-8 from 0, as syntax trees have it.
        text: What happens there, with the names and versions of this project.
    """

    file: Path
    line: int
    column: int
    text: str


def spot(file: Path, node: ast.AST, text: str) -> Spot:
    """Return the place of a node."""
    assert isinstance(node, ast.stmt | ast.expr | ast.arg | ast.keyword)
    return Spot(file, node.lineno, node.col_offset, text)
