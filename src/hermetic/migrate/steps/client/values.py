"""Which values of a suite are clients, or come of one: by a fix-point over its assignments, calls and fixtures.

Names are resolved by ``source/``: what they stand for, what is a fixture, which function a call is of. Here the kinds
of their values are joined: what a function returns and is given, what is stored in an attribute and a module's name. A
module is looked at again when something that it has read of has got another kind.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from hermetic.migrate.steps.client.expressions import Expressions
from hermetic.migrate.steps.client.kinds import (
    NOTHING,
    ClientClass,
    Kinds,
    Made,
    Object,
    Produced,
    item_at,
    many,
    union,
)
from hermetic.migrate.steps.client.names import (
    PARTIALS,
    WORDS,
    declared_elsewhere,
    foreign,
    puts_in,
)
from hermetic.migrate.steps.client.results import Key
from hermetic.migrate.steps.client.uses import Store, Unit
from hermetic.source.bindings import parameters
from hermetic.source.fixtures import Fixture, Suite
from hermetic.source.modules import Module
from hermetic.source.symbols import Class, Symbols, lineage_of


class Values(Expressions):
    """The kinds of a suite's expressions.

    Args:
        symbols: The project's names.
        suite: Its fixtures and tests.

    Attributes:
        growth: How often something has got another kind.
        looked_at: The modules that have something to do with a client.
        stores: Where something with a kind is stored in an attribute of a class.
    """

    def __init__(self, symbols: Symbols, suite: Suite) -> None:
        super().__init__(symbols, suite)
        self.growth = 0
        self.looked_at: dict[Path, Module] = {}
        self.stores: dict[Store, set[Unit]] = defaultdict(set)
        self._readers: dict[Key, set[Path]] = defaultdict(set)
        self._waiting: dict[Path, None] = {}
        self._words: set[str] = set()
        self._reader: Path | None = None
        self._look_for(WORDS, symbols.sources.modules.values())

    def solve(self, read: Callable[[Path], None], words: Iterable[str] = ()) -> None:
        """Look at the modules, those that have one of some words as well, until no value gets another kind.

        Args:
            read: Is given each module once its own values have their kinds, and again when one has got another since.
            words: The words.
        """
        self._look_for(words)
        while self._waiting:
            self._reader = file = next(iter(self._waiting))
            while file in self._waiting:
                self._forget_kinds()
                del self._waiting[file]
                self._look_at(file)
            read(file)
            self.drop_bodies()
        self._reader = None

    def drop_bodies(self) -> None:
        """Drop all bodies of functions, and what is known by nodes of them."""
        self._forget_kinds()
        super().drop_bodies()

    def _forget_kinds(self) -> None:
        self._memo.clear()
        self._names_known.clear()

    def _look_for(self, words: Iterable[str], modules: Iterable[Module] | None = None) -> None:
        """Look at the modules that have one of some words."""
        new = set(words) - self._words
        self._words |= new
        if new:
            for module in self.symbols.sources.tests if modules is None else modules:
                if module.path not in self.looked_at and module.mentions(*new):
                    self.looked_at[module.path] = module
                    self._waiting[module.path] = None

    def _look_at(self, file: Path) -> None:
        module = self.looked_at[file]
        self._bind(file, module)
        for call in reversed(
            module.of(ast.Call)
        ):  # a function is called below itself: its parameters have kinds then
            self._pass_arguments(file, call)
        backs: list[ast.Return | ast.Yield] = [*module.of(ast.Return), *module.of(ast.Yield)]
        for given in backs:
            self._give_back(file, given, given.value)
        for inner in module.of(ast.YieldFrom):
            produced = [each for each in self.of(file, inner.value) if isinstance(each, Produced)]
            for each in produced:
                self._join_return(file, inner, self.returned(each.function))
        statements: list[ast.Assign | ast.AnnAssign] = [*module.of(ast.Assign), *module.of(ast.AnnAssign)]
        for statement in statements:
            self._store(file, statement)
        blocks: list[ast.With | ast.AsyncWith] = [*module.of(ast.With), *module.of(ast.AsyncWith)]
        for block in blocks:
            for entered in block.items:
                if isinstance(entered.optional_vars, ast.Attribute):
                    kinds = self.entered(self.of(file, entered.context_expr))
                    self._store_in(file, entered.optional_vars, kinds)
        defined: list[ast.FunctionDef | ast.AsyncFunctionDef] = [
            *module.of(ast.FunctionDef),
            *module.of(ast.AsyncFunctionDef),
        ]
        for function in defined:
            self._decorate(file, function)
        calls: list[ast.Call | ast.Assign] = [*module.of(ast.Call), *module.of(ast.Assign)]
        for name, value in (pair for node in calls for pair in puts_in(node)):
            self._put(file, name, many(self.of(file, value)))

    def _put(self, file: Path, name: ast.Name, kinds: Kinds) -> None:
        """Join what is put into a collection, where its name is bound."""
        scope = self.binding_scope(file, name) if kinds else None
        key = ("put", scope, name.id) if scope is not None else ("name", file, name.id)
        self._join(key, kinds, name.id)

    def _decorate(self, file: Path, function: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Give a function to its decorators."""
        for decorator in function.decorator_list:
            for each in self.of(file, decorator):
                if isinstance(each, Made) and (first := next(iter(parameters(each.function)), None)):
                    self._join(("parameter", each.function, first), frozenset({Made(file, function)}))

    def _bind(self, file: Path, module: Module) -> None:
        """Join what names of the module, and of classes in it, are given."""
        for name, given in self.names(module.tree).given.items():
            self._join(("name", file, name), union(self._given(file, each) for each in given), name)
        for definition in module.of(ast.ClassDef):
            for name, given in self.names(definition).given.items():
                kinds = union(self._given(file, each) for each in given)
                self._join(("attribute", definition, name), kinds, name)
                if kinds:
                    self.stores[definition, name].update(self.unit(file, each.value) for each in given)
        if module.mentions("global", "nonlocal"):
            functions = [*module.of(ast.FunctionDef), *module.of(ast.AsyncFunctionDef)]
            both = (ast.Global, ast.Nonlocal)
            for name, one in (pair for function in functions for pair in declared_elsewhere(function, *both)):
                self._join(("name", file, name), self._given(file, one), name)

    def _read(self, *key: object) -> Kinds:
        if self._reader is not None:
            self._readers[key].add(self._reader)
        return self._known.get(key, NOTHING)

    def _join(self, key: Key, kinds: Kinds, *words: str) -> None:
        known = self._known.get(key, NOTHING)
        if not kinds <= known:
            self._known[key] = known | kinds
            self.growth += 1
            self._waiting.update(dict.fromkeys(self._readers[key]))
            self._look_for(words)

    def _pass_arguments(self, file: Path, node: ast.Call) -> None:
        first_name = foreign(file, node.func, self.symbols)
        if first_name in PARTIALS and node.args:
            targets, positional = self.of(file, node.args[0]), node.args[1:]
        else:
            targets, positional = self.of(file, node.func), node.args
        for each in targets:
            if isinstance(each, Made):
                self._give(file, each, positional, node.keywords)
            elif isinstance(each, Object) and not each.is_made:
                self._construct(file, each.file, each.definition, node)
            elif isinstance(each, Object):
                for where, method in self.methods(each.file, each.definition, "__call__"):
                    self._give(file, Made(where, method, each.definition), positional, node.keywords)
            elif isinstance(each, ClientClass) and each.definition is not None:
                self._construct(file, file, each.definition, node)

    def _construct(self, file: Path, where: Path, definition: ast.ClassDef, node: ast.Call) -> None:
        methods = self.methods(where, definition, "__init__")
        for place, method in methods:
            self._give(file, Made(place, method, definition), node.args, node.keywords)
        if not methods:
            lineage = list(lineage_of(Class(where, definition), self.symbols))
            named = [
                line.target.id
                for each in reversed(lineage)
                for line in each.definition.body
                if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
            ]
            pairs = [
                *zip(named, node.args, strict=False),
                *((word.arg or "", word.value) for word in node.keywords),
            ]
            for name, value in pairs:
                kinds = self.of(file, value)
                self._join(("attribute", definition, name), kinds, name)
                if kinds:
                    self.stores[definition, name].add(self.unit(file, node))

    def _give(self, file: Path, made: Made, positional: list[ast.expr], words: list[ast.keyword]) -> None:
        """Join the parameters of a function with the arguments of a call."""
        function = made.function
        arguments = function.args
        listed = [each.arg for each in (*arguments.posonlyargs, *arguments.args)]
        names = listed[(1 if made.owner is not None else 0) + made.given :]
        word = "" if isinstance(function, ast.Lambda) else function.name
        for position, value in enumerate(positional):
            kinds = self._spread(file, value)
            if not kinds:
                continue
            places = names[position:] if isinstance(value, ast.Starred) else names[position : position + 1]
            for name in places:
                self._join(("parameter", function, name), kinds, word)
            if not places and arguments.vararg is not None:
                self._join(("parameter", function, arguments.vararg.arg), many(kinds), word)
        known = {*listed, *(each.arg for each in arguments.kwonlyargs)}
        for each in words:
            kinds = self.of(file, each.value)
            if each.arg in known and kinds:
                self._join(("parameter", function, each.arg), kinds, word)
            elif each.arg is not None and arguments.kwarg is not None and kinds:
                self._join(("parameter", function, arguments.kwarg.arg), many(kinds), word)

    def _give_back(self, file: Path, node: ast.AST, value: ast.expr | None) -> None:
        if value is not None:
            self._join_return(file, node, self.of(file, value))

    def _join_return(self, file: Path, node: ast.AST, kinds: Kinds) -> None:
        function = self.bindings.function(file, node) if kinds else None
        if function is not None and not isinstance(function, ast.Lambda):
            names = [each.name for each in self.users_of(function) if isinstance(each, Fixture)]
            self._join(("return", function), kinds, function.name, *names)

    def _store(self, file: Path, statement: ast.Assign | ast.AnnAssign) -> None:
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            places = [(target, None)] if not isinstance(target, ast.Tuple) else list(_placed(target))
            for place, position in places:
                if isinstance(place, ast.Attribute) and statement.value is not None:
                    kinds = self.of(file, statement.value)
                    self._store_in(file, place, kinds if position is None else item_at(kinds, position))

    def _store_in(self, file: Path, place: ast.Attribute, kinds: Kinds) -> None:
        for each in self.of(file, place.value) if kinds else ():
            if isinstance(each, Object):
                self._join(("attribute", each.definition, place.attr), kinds, place.attr)
                self.stores[each.definition, place.attr].add(self.unit(file, place))


def _placed(target: ast.Tuple) -> Iterator[tuple[ast.expr, int | None]]:
    yield from ((each, position) for position, each in enumerate(target.elts))
