"""Which variables have a value when the tests run, and what gives it.

pytest's settings (pytest-env), a conftest, and the dotenv files that the code itself loads do. Other files only show
what a value looks like: an example, or a compose file. Their libraries are not needed for that, and a password that is
read is never passed on.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from hermetic.errors import ConfigurationError
from hermetic.source.bindings import Bindings
from hermetic.source.configuration import Configuration, parse_toml, table_at
from hermetic.source.databases import Databases
from hermetic.source.dataflow import Dataflow
from hermetic.source.dynaconf_files import dynaconf_values
from hermetic.source.environ import Variable, environ_assignments
from hermetic.source.modules import Module
from hermetic.source.origins import HOLE, Expression, Text
from hermetic.source.requirements import read_loosely, read_requirements
from hermetic.source.settings_classes import Fields
from hermetic.source.shown_values import (
    Shown,
    example_files,
    files_in,
    is_clear,
    shown_by_runners,
    urls_of_runners,
)
from hermetic.source.sources import Sources
from hermetic.source.symbols import Symbols
from hermetic.source.syntax import last_name, literal

T = TypeVar("T")
LOADERS = frozenset({"load_dotenv", "find_dotenv", "read_env", "Config", "RepositoryEnv"})
PATHS = frozenset({None, "dotenv_path", "path", "env_file", "filename"})
LOADED = ("dotenv", "environs", "environ", "starlette.config", "decouple")
COMPOSE = ("compose*.yml", "compose*.yaml", "docker-compose*.yml", "docker-compose*.yaml")


@dataclass(frozen=True)
class Given:
    """Values of variables, by name in capitals; what cannot be told is ``UNCLEAR``.

    Attributes:
        values: What the tests run with.
        literals: What fixtures set, later than the application may be imported.
        runs: The databases' URLs that other runs of the tests are given: by tox, a Makefile, a workflow.
        compose: What compose files give to containers.
        examples: What the examples of dotenv files show, and those that are called after the tests.
        for_tests: What committed files show of all variables, each value with the file, the likeliest for tests.
        private: What a ``.env`` holds that no code loads.
    """

    values: Mapping[str, str]
    literals: Mapping[str, str]
    runs: Mapping[str, str]
    compose: Mapping[str, str]
    examples: Mapping[str, str]
    for_tests: Mapping[str, Shown]
    private: Mapping[str, str]

    @property
    def shown(self) -> tuple[Mapping[str, str], ...]:
        """What committed files show, the likeliest for tests first."""
        return (self.literals, self.runs, self.compose, self.examples)

    @property
    def clear_examples(self) -> Mapping[str, str]:
        """What examples show that is a value: neither empty nor made of others that are not known."""
        return {name: text for name, text in self.examples.items() if text and UNCLEAR not in text}

    def has(self, variable: Variable) -> bool:
        """Whether a variable has a value when the tests run."""
        return any(name in self.values for name in variable.names)

    def shown_for_tests(self, variable: Variable) -> Shown | None:
        """Return the value that a file shows for the tests; None where none does."""
        return next((self.for_tests[name] for name in variable.names if name in self.for_tests), None)

    def is_shown(self, variable: Variable) -> bool:
        """Whether a compose file, or a ``.env`` that somebody else loads, has a value of its own for it."""
        texts = (
            values.get(name, UNCLEAR) for name in variable.names for values in (self.compose, self.private)
        )
        return any(UNCLEAR not in text for text in texts)


def find_given(
    bindings: Bindings, fields: Fields, configuration: Configuration, databases: Databases
) -> Given:
    """Collect the values.

    Args:
        bindings: The application's names.
        fields: Its settings classes, some of which name a file.
        configuration: pytest's settings.
        databases: The kinds of databases that there are.
    """
    sources = bindings.symbols.sources
    values = dict(configured(configuration, sources))
    late: dict[str, Shown] = {}
    for name, text, file in _set_by_code(bindings.symbols):
        if file is None:
            values[name] = text
        else:
            late[name] = Shown(text, file)
    home = configuration.path.parent
    loaded = _loaded(Dataflow(bindings, fields, values), fields, home)
    for path in loaded:
        for name, text in dotenv_values(path).items():
            values.setdefault(name, text)
    values = {**dict(dynaconf_values(bindings.symbols, values, home)), **values}
    places = tuple(sources.around(home))
    private = [place / ".env" for place in places if (place / ".env").resolve() not in loaded]
    beside = dict.fromkeys((*places, *_around_settings(fields, sources)))
    examples = {path: dotenv_values(path) for path in example_files(beside)}
    shown = ({name: Shown(text, path) for name, text in found.items()} for path, found in examples.items())
    return Given(
        values,
        {name: each.text for name, each in late.items()},
        runs=urls_of_runners(places, databases),
        compose=_merged(compose_values(path) for path in files_in(places, COMPOSE)),
        examples=_merged(examples.values()),
        for_tests=_merged(map(_clear, (late, shown_by_runners(places), *shown))),
        private=_merged(dotenv_values(path) for path in private),
    )


def _around_settings(fields: Fields, sources: Sources) -> Iterator[Path]:
    """Yield the folders inside the project in which a settings class lies that reads a file: its example may, too."""
    for file, _ in fields.env_files:
        yield from (place for place in file.parents if place.is_relative_to(sources.root))


def _set_by_code(symbols: Symbols) -> Iterator[tuple[str, str, Path | None]]:
    """Yield what conftests and the application's own modules set, and the file where that may be too late."""
    sources = symbols.sources
    conftests = [module.path for module in sources.tests if module.path.name == "conftest.py"]
    early = symbols.reached_from(conftests)
    for module in [*sources.tests, *sources.production]:
        for each in environ_assignments(module):
            is_early = each.is_at_import and (module.path in early or module.is_production)
            if is_early or module.path.name == "conftest.py":
                text = UNCLEAR if each.value is None else each.value
                yield each.name.upper(), text, None if is_early else module.path


def _clear(found: Mapping[str, Shown]) -> dict[str, Shown]:
    return {name: each for name, each in found.items() if is_clear(each.text)}


def _merged(found: Iterable[Mapping[str, T]]) -> dict[str, T]:
    """Return the values of several files, the first that has one wins."""
    merged: dict[str, T] = {}
    for values in found:
        merged = {**values, **merged}
    return merged


def configured(configuration: Configuration, sources: Sources) -> Iterator[tuple[str, str]]:
    """Yield what pytest's settings give: pytest-env's lines, its own table, and hermetic's.

    Args:
        configuration: pytest's settings.
        sources: The project, in whose folders a table of pytest-env's may lie.
    """
    for directory in sources.around(configuration.path.parent):
        table = _table_of_pytest_env(directory)
        if table is not None:
            for path in _strings(table.get("env_files")):
                yield from dotenv_values(directory / path).items()
            yield from ((name.upper(), _text(value)) for name, value in table.items() if name != "env_files")
            break
    for path in configuration.strings("env_files"):
        yield from dotenv_values(configuration.path.parent / path).items()
    for key in ("env", "hermetic_env"):
        yield from line_values(configuration.lines(key))


def _table_of_pytest_env(directory: Path) -> dict[str, object] | None:
    for name, keys in (
        ("pytest.toml", ("pytest_env",)),
        (".pytest.toml", ("pytest_env",)),
        ("pyproject.toml", ()),
    ):
        try:
            document = parse_toml(directory / name, (directory / name).read_text(encoding="utf-8"))
        except (ConfigurationError, OSError, UnicodeError):
            continue
        table = table_at(document, keys or ("tool", "pytest_env"))
        if table is not None:
            return table
    return None


def _strings(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _text(value: object) -> str:
    """Return the text of a value in pytest-env's table: plain, or with options beside it."""
    inner = value.get("value", "") if isinstance(value, dict) else value
    is_made = isinstance(value, dict) and (value.get("transform") or value.get("unset"))
    return UNCLEAR if is_made else str(inner)


def _loaded(dataflow: Dataflow, fields: Fields, home: Path) -> list[Path]:
    """List the dotenv files that the code loads, those that are there."""
    sources = dataflow.symbols.sources
    wanted: list[tuple[Path, str]] = []
    if re.search(r"pytest[-_]dotenv", read_requirements(sources.around(home))):
        wanted.append((home / "conftest.py", ".env"))
    for file, expression in fields.env_files:
        wanted += [(file, name) for name in _names(dataflow, file, expression)]
    for module in [*sources.tests, *sources.production]:
        wanted += [(module.path, name) for name in _named_by_calls(dataflow, module)]
    found: list[Path] = []
    plain = {(file, name) for file, node in fields.env_files for name in _literals(node)}
    for (
        file,
        name,
    ) in wanted:  # a plain name is read where pytest runs; a path that is computed, anywhere above
        above = [
            directory
            for directory in file.parents
            if directory.is_relative_to(sources.boundary) and (file, name) not in plain
        ]
        for directory in (home, *above):
            path = (directory / name).resolve()
            if path.is_file():
                found.append(path)
                break
    return list(dict.fromkeys(found))


def _literals(names: ast.expr) -> list[str]:
    parts = names.elts if isinstance(names, ast.Tuple | ast.List) else [names]
    return [text for part in parts if (text := literal(part)) is not None]


def _named_by_calls(dataflow: Dataflow, module: Module) -> Iterator[str]:
    """Yield the files that a module's calls load: ``load_dotenv()``, ``Config(".env")``, ``env.read_env()``."""
    imports = " ".join(target for target, _ in dataflow.symbols.scope(module.path).imports.values())
    if not any(name in imports for name in LOADED):
        return
    if "decouple" in imports:
        yield from (".env", "settings.ini")
    for node in module.of(ast.Call):
        if last_name(node.func) in LOADERS:
            arguments = [*node.args[:1], *(word.value for word in node.keywords if word.arg in PATHS)]
            named = [name for argument in arguments for name in _names(dataflow, module.path, argument)]
            yield from named or [".env"]


def _names(dataflow: Dataflow, file: Path, expression: ast.expr) -> Iterator[str]:
    """Yield the files' names that an expression can stand for, a path's last part standing for the path."""
    origins = list(dataflow.flattened(dataflow.origins(Expression(file, expression))))
    for origin in origins:
        if isinstance(origin, Text) and isinstance(origin.value, str) and HOLE not in origin.value:
            is_file = "env" in Path(origin.value).name or len(origins) == 1
            if is_file and Path(origin.value).name:
                yield origin.value.lstrip("/")


UNCLEAR = "\0"
"""A value that is there, and cannot be told."""
LINE = re.compile(r"\s*(?:[DRTU]:)*(?:export\s+)?([A-Za-z_][\w.]*)\s*=\s*(.*)")
COMPOSE_LINE = re.compile(r"\s*(?:-\s*)?[\"']?([A-Z_][A-Z0-9_]*)\s*[\"']?\s*[:=]\s*(\S.*)")
REFERENCE = re.compile(r"\$\{(\w+)(?::?([-?+])([^}]*))?\}|\$(\w+)")
PASSWORD = re.compile(r"(?<=://)([^:/@\s]*):[^@\s]*@")
IN_QUERY = re.compile(r"(?<=[?&])password=[^&]*&?")


def dotenv_values(path: Path) -> dict[str, str]:
    """Return what a dotenv file sets, by name in capitals; empty where there is none."""
    return dict(line_values(read_loosely(path).removeprefix("\ufeff").splitlines()))


def line_values(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the names and values of ``NAME=value`` lines, those of pytest-env included."""
    known: dict[str, str] = {}
    for line in lines:
        match = LINE.match(line)
        if match and not line.lstrip().startswith("#"):
            known[match[1].upper()] = _filled(_unquoted(match[2]), known)
            yield match[1].upper(), known[match[1].upper()]


def compose_values(path: Path) -> dict[str, str]:
    """Return what a compose file gives to its containers, by name."""
    found: dict[str, str] = {}
    for line in read_loosely(path).splitlines():
        match = COMPOSE_LINE.match(line)
        if match and not line.lstrip().startswith("#"):
            found.setdefault(match[1], _filled(_unquoted(match[2]), {}))
    return found


def without_password(url: str) -> str:
    """Return a URL without the password in it."""
    return IN_QUERY.sub("", PASSWORD.sub(r"\1@", url)).rstrip("?&")


def _unquoted(text: str) -> str:
    text = text.strip()
    if text[:1] in ("'", '"') and text.find(text[0], 1) > 0:
        return text[1 : text.find(text[0], 1)]
    return re.split(r"\s+#", text)[0].strip().rstrip("\"'")


def _filled(text: str, known: Mapping[str, str]) -> str:
    """Put values in place of references; a text with one that is not known has no clear value."""

    def value(match: re.Match[str]) -> str:
        name = (match[1] or match[4]).upper()
        default = match[3] if match[2] == "-" else UNCLEAR
        return known.get(name) or default

    return REFERENCE.sub(value, text)
