"""Which variables of the environment the code reads: by ``os``, starlette, decouple, environs, dynaconf; which it sets.

The fields of settings classes are variables, too: ``settings_classes`` has those.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hermetic.source.bindings import Bindings
from hermetic.source.modules import Module
from hermetic.source.symbols import Reference, Symbols
from hermetic.source.syntax import assignments, children, keyword, last_name, literal, statements

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
        return _dynaconf(file, node, bindings) if isinstance(node.ctx, ast.Load) else None
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


def _dynaconf(file: Path, node: ast.Attribute, bindings: Bindings) -> Reading | None:
    """Return what an attribute of dynaconf's settings reads: ``settings.db.uri`` is the variable ``DB__URI``."""
    names, owner = [node.attr], node.value
    while isinstance(owner, ast.Attribute) and outside(file, owner, bindings.symbols) not in DYNACONF:
        names.insert(0, owner.attr)
        owner = owner.value
    if outside(file, owner, bindings.symbols) not in DYNACONF or _is_only_on_the_way(file, node, bindings):
        return None
    if len(names) > 1 and _is_called(file, node, bindings):
        return None
    prefix = _made_with(file, owner, "envvar_prefix", bindings.symbols)
    text = "DYNACONF" if prefix is None else literal(prefix)
    return Reading(ast.Constant("__".join(names)), None, False, f"{text}_" if text else "")


def _is_only_on_the_way(file: Path, node: ast.Attribute, bindings: Bindings) -> bool:
    """Whether an attribute is that of a table, of which one of its own values is read."""
    outer = bindings.parents(file).get(node)
    return isinstance(outer, ast.Attribute) and not _is_called(file, outer, bindings)


def _is_called(file: Path, node: ast.Attribute, bindings: Bindings) -> bool:
    outer = bindings.parents(file).get(node)
    return isinstance(outer, ast.Call) and outer.func is node


def _made_with(file: Path, name: ast.expr, word: str, symbols: Symbols) -> ast.expr | None:
    """Return what the call that made a reader of variables is given for a keyword."""
    return keyword(symbols.definition(symbols.resolve(file, name)), word)


def _default(call: ast.Call, position: int) -> ast.expr | None:
    return keyword(call, "default") or (call.args[position] if len(call.args) > position else None)


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


HOOKS = frozenset(
    {"pytest_configure", "pytest_sessionstart", "pytest_load_initial_conftests", "pytest_addoption"}
)
PATCHES = frozenset({"setenv", "setdefault", "putenv"})
ASSIGNING = PATCHES | {"environ"}
"""One of these words is wherever something is set in the environment."""


@dataclass(frozen=True)
class Assigned:
    """A variable that code sets.

    Attributes:
        name: Its name.
        value: The literal it is set to; None for anything else.
        line: The line.
        is_at_import: Whether that is done when the module is imported, or by a hook before any test.
        is_patch: Whether a monkeypatch does it.
    """

    name: str
    value: str | None
    line: int
    is_at_import: bool
    is_patch: bool = False


def environ_assignments(module: Module) -> Iterator[Assigned]:
    """Yield what a module sets in the environment."""
    if not module.mentions(*ASSIGNING):
        return
    at_import: set[ast.AST] = set()
    dictionaries = {
        name: value
        for statement in statements(module.tree.body)
        for name, value in assignments(statement)
        if isinstance(value, ast.Dict)
    }
    for node in module.nodes:
        if isinstance(node, ast.For):
            pairs = list(_looped(node, dictionaries))
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.Call):
            pairs = list(_pairs(node, dictionaries))
        else:
            continue
        is_patch = isinstance(node, ast.Call) and last_name(node.func) == "setenv"
        if pairs and not at_import:
            at_import.update(_at_import(module.tree))
        for name, value in pairs:
            yield Assigned(name, literal(value), node.lineno, node in at_import, is_patch)


def is_environ(node: ast.expr) -> bool:
    """Whether an expression is ``os.environ``, as far as its name tells."""
    return last_name(node) == "environ" and (isinstance(node, ast.Name) or ast.unparse(node) == "os.environ")


def _pairs(
    node: ast.Assign | ast.AugAssign | ast.Call, dictionaries: dict[str, ast.Dict]
) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            name = (
                literal(target.slice)
                if isinstance(target, ast.Subscript) and is_environ(target.value)
                else None
            )
            if name:
                yield name, node.value
    elif isinstance(node, ast.AugAssign):
        if is_environ(node.target):
            yield from _entries(node.value, dictionaries)
    elif isinstance(node.func, ast.Attribute):
        yield from _called(node, node.func, dictionaries)


def _called(
    call: ast.Call, function: ast.Attribute, dictionaries: dict[str, ast.Dict]
) -> Iterator[tuple[str, ast.expr]]:
    owns = is_environ(function.value)
    if function.attr in PATCHES and len(call.args) >= 2 and (owns or function.attr != "setdefault"):
        name = literal(call.args[0])
        if name:
            yield name, call.args[1]
    elif function.attr == "update" and owns:
        for argument in call.args:
            yield from _entries(argument, dictionaries)
        yield from ((word.arg, word.value) for word in call.keywords if word.arg)
    elif function.attr == "dict" and len(call.args) >= 2 and _names_environ(call.args[0]):
        yield from _entries(call.args[1], dictionaries)


def _names_environ(node: ast.expr) -> bool:
    return is_environ(node) or literal(node) == "os.environ"


def _entries(node: ast.expr, dictionaries: dict[str, ast.Dict]) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Name):
        node = dictionaries.get(node.id, node)
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            name = literal(key)
            if name:
                yield name, value
    elif isinstance(node, ast.Call) and last_name(node.func) == "dict":
        yield from ((word.arg, word.value) for word in node.keywords if word.arg)


def _looped(loop: ast.For, dictionaries: dict[str, ast.Dict]) -> Iterator[tuple[str, ast.expr]]:
    """Yield what ``for name, value in d.items()``, or ``for name in ("A", "B")``, puts into the environment."""
    text = "".join(ast.unparse(statement) for statement in loop.body)
    if "environ" not in text and "setenv" not in text:
        return
    iterated = loop.iter
    if isinstance(iterated, ast.Tuple | ast.List):
        yield from ((name, iterated) for name in map(literal, iterated.elts) if name)
    elif isinstance(iterated, ast.Call) and isinstance(iterated.func, ast.Attribute):
        yield from _entries(iterated.func.value, dictionaries)


def _at_import(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the nodes that run when a module is imported, or in a hook."""
    called = {
        last_name(statement.value.func)
        for statement in statements(tree.body)
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
    }
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name in HOOKS | called:
            waiting.extend(children(node))
