"""Find the environment variables without which the application does not even import.

Only those that name a database are written, for hermetic leads every engine to a database of its own whatever the URL
says. Others (a secret key) are listed: their values are not ours to invent. Values that a conftest already gives are
taken from there; a ``.env`` file is never copied, for it holds secrets.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hermetic.cli.init.configuration import Configuration
from hermetic.cli.init.handing import placeholder
from hermetic.cli.init.requirements import DEFAULT_SCHEME, database_scheme, read_loosely
from hermetic.cli.init.sources import Module, Sources
from hermetic.cli.init.symbols import Symbols, assignments, statements

SETTINGS = frozenset({"pydantic_settings.BaseSettings", "pydantic.BaseSettings", "pydantic.v1.BaseSettings"})
DATABASE_NAME = re.compile(
    r"DATABASE_UR[IL]|DB_UR[IL]|_DSN$|^DSN$|SQLALCHEMY_UR[IL]|POSTGRES_UR[IL]|DB_CONNECTION"
)
SWITCH = "TESTING"
ENGINES = frozenset(
    {"create_async_engine", "async_engine_from_config", "create_engine", "engine_from_config"}
)


@dataclass(frozen=True)
class Need:
    """A variable that the application reads and cannot do without (or the ``TESTING`` switch)."""

    name: str
    file: Path
    line: int


@dataclass(frozen=True)
class Environment:
    """What the application needs from the environment.

    Attributes:
        lines: ``NAME=value`` for ``hermetic_env``.
        needs: Where those are read, in the same order.
        unknown: Variables without a default whose values only the project knows.
        scheme: Of the database's URL: ``postgresql+asyncpg``.
    """

    lines: tuple[str, ...]
    needs: tuple[Need, ...]
    unknown: tuple[Need, ...]
    scheme: str = DEFAULT_SCHEME

    @property
    def hands_out(self) -> bool:
        """Whether a line has hermetic's own URL in it."""
        return any("{" in line for line in self.lines)

    @property
    def is_postgresql(self) -> bool:
        """Whether the application's database is PostgreSQL."""
        return self.scheme.startswith("postgres")

    @property
    def says_so(self) -> bool:
        """Whether a line tells a run what the database is."""
        return any("=postgres" in line for line in self.lines)


def makes_an_engine_when_imported(symbols: Symbols) -> bool:
    """Whether the application makes an engine in a module's own code; else none says what the database is in time."""
    return any(
        isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ENGINES
        for module in symbols.sources.production
        for statement in statements(module.tree.body)
        if not isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(statement)
    )


def find_environment(symbols: Symbols, configuration: Configuration) -> Environment:
    """List what the application's settings need before it can be imported.

    Args:
        symbols: The project's names.
        configuration: pytest's settings; variables given there (by pytest-env) are not needed again.
    """
    sources = symbols.sources
    directories = (sources.root, configuration.path.parent)
    given = set(_line_names([*configuration.strings("env"), *configuration.strings("hermetic_env")]))
    scheme = database_scheme(sources, directories)
    handed = placeholder(sources, scheme)
    needs: dict[str, Need] = {}
    for module in sources.production:
        reads = [*_environ_reads(module), *_fields(module, symbols)]
        for need, required in reads:
            wanted = required or (handed and DATABASE_NAME.search(need.name))
            if wanted and need.name not in given:
                needs.setdefault(need.name, need)
    literals = _conftest_literals(sources)
    known = [need for need in needs.values() if need.name == SWITCH or DATABASE_NAME.search(need.name)]
    lines = tuple(
        f"{need.name}={_handed(need.name, handed) or literals.get(need.name) or _value(need.name, scheme)}"
        for need in known
    )
    local = {name for place in directories for name in _line_names(read_loosely(place / ".env").splitlines())}
    unknown = tuple(need for need in needs.values() if need not in known and need.name not in local)
    return Environment(lines, tuple(known), unknown, scheme)


def environ_key(node: ast.AST) -> tuple[str, bool] | None:
    """Return the variable that ``os.environ[...]``, ``.get`` or ``getenv`` names, and whether it must exist."""
    if isinstance(node, ast.Subscript) and _is_environ(node.value):
        return _named(node.slice, True)
    if (
        isinstance(node, ast.Call)
        and node.args
        and ast.unparse(node.func) in ("os.getenv", "os.environ.get", "getenv", "environ.get")
    ):
        return _named(node.args[0], False)
    return None


def environ_assignments(module: Module) -> Iterator[tuple[str, str | None, int]]:
    """Yield (name, literal value or None, line) for what code sets in ``os.environ``."""
    for node in module.nodes:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                found = environ_key(target)
                if found:
                    yield found[0], _literal(node.value), node.lineno
        elif isinstance(node, ast.Call) and len(node.args) == 2 and isinstance(node.func, ast.Attribute):
            key = _literal(node.args[0])
            if node.func.attr == "setdefault" and _is_environ(node.func.value) and key:
                yield key, _literal(node.args[1]), node.lineno


def _is_environ(node: ast.expr) -> bool:
    return ast.unparse(node) in ("os.environ", "environ")


def _literal(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _named(node: ast.expr, required: bool) -> tuple[str, bool] | None:
    name = _literal(node)
    return (name, required) if name else None


def _environ_reads(module: Module) -> Iterator[tuple[Need, bool]]:
    """Yield what is read from the environment, and whether the code needs it (or it is the ``TESTING`` switch)."""
    optional = set(_optional_names(module))
    for node in module.nodes:
        found = environ_key(node)
        if found is None or (isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load)):
            continue
        name, required = found
        needed = name not in optional and (required or DATABASE_NAME.search(name) is not None)
        assert isinstance(node, ast.Call | ast.Subscript)
        yield Need(name, module.path, node.lineno), name == SWITCH or needed


def _optional_names(module: Module) -> Iterator[str]:
    """Yield the variables that the code can do without: read with a default, before an ``or``, or after an ``in``."""
    for node in module.nodes:
        reads: list[ast.expr] = []
        if isinstance(node, ast.Call) and len(node.args) + len(node.keywords) > 1:
            reads = [node]
        elif isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
            reads = node.values[:-1]
        elif isinstance(node, ast.Compare) and _is_environ(node.comparators[0]):
            name = _literal(node.left)
            if name:
                yield name
        for read in reads:
            found = environ_key(read)
            if found:
                yield found[0]


def _fields(module: Module, symbols: Symbols) -> Iterator[tuple[Need, bool]]:
    """Yield the fields of the module's pydantic-settings classes; needed without a default, and ``testing`` too."""
    for definition in symbols.scope(module.path).definitions.values():
        if not isinstance(definition, ast.ClassDef) or not _is_settings(module, definition, symbols):
            continue
        prefix = _prefix(definition)
        for field in definition.body:
            if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
                continue
            name = (prefix + field.target.id).upper()
            if "ClassVar" not in ast.unparse(field.annotation):
                yield Need(name, module.path, field.lineno), name == SWITCH or _is_required(field)


def _is_settings(module: Module, definition: ast.ClassDef, symbols: Symbols) -> bool:
    references = (symbols.resolve(module.path, base) for base in definition.bases)
    return any(found is not None and found.file is None and found.name in SETTINGS for found in references)


def _is_required(field: ast.AnnAssign) -> bool:
    value = field.value
    if value is None:
        return True
    if not isinstance(value, ast.Call) or ast.unparse(value.func) not in ("Field", "pydantic.Field"):
        return False
    named = {keyword.arg for keyword in value.keywords}
    if named & {"alias", "validation_alias", "default", "default_factory"}:
        return False  # an alias changes the variable's name: rather say nothing than something wrong
    return not value.args or (isinstance(value.args[0], ast.Constant) and value.args[0].value is ...)


def _prefix(definition: ast.ClassDef) -> str:
    for node in ast.walk(definition):
        pairs: list[tuple[str | None, ast.expr]] = []
        if isinstance(node, ast.Call):
            pairs = [(keyword.arg, keyword.value) for keyword in node.keywords]
        elif isinstance(node, ast.Assign):
            pairs = list(assignments(node))
        elif isinstance(node, ast.Dict):
            pairs = [
                (_literal(key) if key else None, value)
                for key, value in zip(node.keys, node.values, strict=True)
            ]
        for name, value in pairs:
            if name == "env_prefix":
                return _literal(value) or ""
    return ""


def _line_names(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        match = re.match(r"\s*(?:[DR]:)*(?:export\s+)?(\w+)\s*=", line)
        if match:
            yield match[1].upper()


def _conftest_literals(sources: Sources) -> dict[str, str]:
    literals: dict[str, str] = {}
    for module in sources.tests:
        if module.path.name == "conftest.py":
            for name, value, _ in environ_assignments(module):
                if value:
                    literals.setdefault(name, value)
    return literals


def _handed(name: str, placeholder: str) -> str:
    return "" if name == SWITCH else placeholder


def _value(name: str, scheme: str) -> str:
    if name == SWITCH:
        return "true"
    return f"{scheme}:///:memory:" if scheme.startswith("sqlite") else f"{scheme}://localhost/app"
