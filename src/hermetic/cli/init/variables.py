"""Which variables of the environment the code reads: by ``os``, starlette, decouple, environs, dynaconf.

The fields of settings classes are variables, too: ``fields`` has those.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hermetic.cli.init.bindings import Bindings
from hermetic.cli.init.symbols import Reference, Symbols

ENVIRONMENTS = frozenset({"os.environ", "starlette.config.environ"})
GETTERS = frozenset({"os.getenv", "os.environ.get", "starlette.config.environ.get"})
DEMANDING = {
    "starlette.config.Config()": 2,
    "decouple.config": 1,
    "decouple.Config()": 1,
    "decouple.AutoConfig()": 1,
}
"""What raises where a variable has neither a value nor a default, and which argument the default is."""
ENVS = (
    "environs.Env()",
    "environs.FileAwareEnv()",
    "environs.env",
    "environ.Env()",
    "environ.FileAwareEnv()",
)
DYNACONF = frozenset({"dynaconf.Dynaconf()", "dynaconf.LazySettings()"})
READERS = (*ENVIRONMENTS, *GETTERS, *(name.removesuffix("()") for name in (*DEMANDING, *ENVS, *DYNACONF)))
PACKAGES = frozenset({"environ", "getenv", "starlette", "decouple", "environs", "dynaconf"})
"""One of these is in every module that a reader of the environment comes from."""


@dataclass(frozen=True)
class Variable:
    """A variable of the environment, where the application reads it.

    Attributes:
        name: Its name, in capitals.
        file: The file.
        line: The line.
        default: What it is where the environment has none; None where there is no default.
        required: Whether the code raises without a value.
        annotation: The type of a settings class's field.
        others: Other names under which it is taken.
    """

    name: str
    file: Path
    line: int
    default: ast.expr | None = None
    required: bool = False
    annotation: str = ""
    others: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All of its names."""
        return (self.name, *self.others)

    @property
    def can_be_missing(self) -> bool:
        """Whether there is a default, or a settings class is content without it."""
        return self.default is not None or bool(self.annotation and not self.required)


@dataclass(frozen=True)
class Reading:
    """An expression that reads a variable.

    Attributes:
        name: What gives the name: a literal, or a parameter of a helper.
        default: What gives the default.
        required: Whether it raises without a value.
        prefix: What comes before the name.
    """

    name: ast.expr
    default: ast.expr | None
    required: bool
    prefix: str = ""

    def variable(self, name: str, file: Path, node: ast.AST) -> Variable:
        """Return the variable of that name."""
        line = getattr(node, "lineno", 1)
        return Variable((self.prefix + name).upper(), file, line, self.default, self.required)


def reading(file: Path, node: ast.AST, bindings: Bindings) -> Reading | None:
    """Return how an expression reads the environment; None where it does not."""
    if isinstance(node, ast.Subscript):
        is_read = (
            isinstance(node.ctx, ast.Load) and outside(file, node.value, bindings.symbols) in ENVIRONMENTS
        )
        return Reading(node.slice, None, True) if is_read else None
    if isinstance(node, ast.Attribute):
        return _dynaconf(file, node, bindings.symbols) if isinstance(node.ctx, ast.Load) else None
    if not isinstance(node, ast.Call) or not node.args:
        return None
    called = outside(file, node.func, bindings.symbols)
    if called in GETTERS:
        return Reading(node.args[0], _default(node, 1), False)
    position = DEMANDING.get(called.removesuffix(".get"))
    if (
        position is None
        and called.startswith(ENVS)
        and _is_word(node.args[0])
        and not called.endswith(".prefixed")
    ):
        position = 1
    if position is None:
        return None
    default = _default(node, position)
    prefix = literal(_made_with(file, node.func, "env_prefix", bindings.symbols))  # starlette's
    return Reading(node.args[0], default, default is None, prefix or _environs_prefix(file, node, bindings))


def outside(file: Path, expression: ast.expr, symbols: Symbols) -> str:
    """Return the full dotted name of another package's thing, ``()`` behind a call; empty for the project's own.

    ``config`` with ``config = Config(".env")`` is ``starlette.config.Config()``, ``env`` with ``env = os.environ`` is
    ``os.environ``.
    """
    return _outside(symbols.resolve(file, expression), symbols, 4)


def literal(node: ast.expr | None) -> str | None:
    """Return the text of a string literal."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def words_of_readers(symbols: Symbols) -> frozenset[str]:
    """Return the words one of which is in every module that reads the environment, by whatever names it has."""

    def is_one(reference: Reference) -> bool:
        name = _outside(reference, symbols, 4)
        return name not in ("", "os") and any(  # what is of ``os`` has a word of its own
            reader.startswith(name) or name.startswith(reader) for reader in READERS
        )

    return symbols.words_for(PACKAGES, is_one)


def readings(file: Path, bindings: Bindings) -> Iterator[tuple[ast.expr, Reading]]:
    """Yield the expressions of a file that read the environment."""
    module = bindings.symbols.sources.modules[file]
    nodes: list[ast.expr] = [*module.of(ast.Subscript), *filter(_may_read, module.of(ast.Call))]
    read = [(node, found) for node in nodes if (found := reading(file, node, bindings)) is not None]
    yield from sorted(read, key=lambda each: (each[0].lineno, each[0].col_offset))


def _may_read(call: ast.Call) -> bool:
    """Whether the first argument can be a variable's name; to resolve what is called takes longer."""
    return bool(call.args) and (_is_word(call.args[0]) or isinstance(call.args[0], ast.Name))


def _is_word(node: ast.expr) -> bool:
    return (literal(node) or "").isidentifier()


def _outside(reference: Reference | None, symbols: Symbols, depth: int) -> str:
    if reference is None or not depth:
        return ""
    if reference.file is None:
        return reference.name
    head, dot, rest = reference.name.partition(".")
    definition = symbols.definition(Reference(reference.file, head))
    call = "()" if isinstance(definition, ast.Call) else ""
    inner = definition.func if isinstance(definition, ast.Call) else definition
    if not isinstance(inner, ast.Name | ast.Attribute):
        return ""
    name = _outside(symbols.resolve(reference.file, inner), symbols, depth - 1)
    return f"{name}{call}{dot}{rest}" if name else ""


def _dynaconf(file: Path, node: ast.Attribute, symbols: Symbols) -> Reading | None:
    if outside(file, node.value, symbols) not in DYNACONF:
        return None
    prefix = _made_with(file, node.value, "envvar_prefix", symbols)
    text = "DYNACONF" if prefix is None else literal(prefix)
    return Reading(ast.Constant(node.attr), None, False, f"{text}_" if text else "")


def _made_with(file: Path, name: ast.expr, keyword: str, symbols: Symbols) -> ast.expr | None:
    """Return what the call that made a reader of variables is given for a keyword."""
    maker = symbols.definition(symbols.resolve(file, name))
    words = maker.keywords if isinstance(maker, ast.Call) else []
    return next((word.value for word in words if word.arg == keyword), None)


def _default(call: ast.Call, position: int) -> ast.expr | None:
    named = next((word.value for word in call.keywords if word.arg == "default"), None)
    return named or (call.args[position] if len(call.args) > position else None)


def _environs_prefix(file: Path, node: ast.AST, bindings: Bindings) -> str:
    prefix = ""
    for outer in bindings.around(file, node):
        for item in outer.items if isinstance(outer, ast.With) else []:
            call = item.context_expr
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Attribute)
                and call.func.attr == "prefixed"
            ):
                prefix = (literal(call.args[0]) or "" if call.args else "") + prefix
    return prefix
