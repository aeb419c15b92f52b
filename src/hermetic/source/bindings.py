"""What a name can be bound to: in a function, a class body or a module, by attribute, or by a call's argument.

``symbols`` says which file defines a name, and keeps its last definition. To follow a value back to where it comes from
all of its bindings are needed, the functions around a place, and who calls a function.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hermetic.source.modules import Module
from hermetic.source.symbols import Symbols
from hermetic.source.syntax import add_children, children, last_name, never_runs, statements

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
EACH = -1
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
SCOPES = (*FUNCTIONS, ast.ClassDef)


@dataclass(frozen=True)
class Binding:
    """A value that a name is given.

    Attributes:
        value: The expression.
        position: Which item of it, where it is unpacked; None for the whole, ``EACH`` where a loop takes one by one.
        statement: Where that happens.
    """

    value: ast.expr
    position: int | None
    statement: ast.AST


class Bindings:
    """Look names up in the syntax trees of the application.

    Args:
        symbols: The project's names.
        modules: Where calls and attributes are looked for.
    """

    def __init__(self, symbols: Symbols, modules: Iterable[Module]) -> None:
        self.symbols = symbols
        self._modules = list(modules)
        self._scopes: dict[ast.AST, tuple[Function | ast.ClassDef, ...]] = {}
        self._around: dict[ast.AST, tuple[Function | ast.ClassDef, ...]] = {}
        self._owners: dict[ast.AST, ast.ClassDef | None] = {}
        self._local: dict[ast.AST, dict[str, list[Binding]]] = {}
        self._results: dict[ast.AST, list[tuple[ast.Return | ast.Yield, ast.expr]]] = {}
        self._calls: dict[Path, dict[str, list[tuple[Path, ast.Call]]]] = {}
        self._stores: dict[Path, dict[str, list[tuple[Path, ast.Attribute, Binding]]]] = {}

    def drop_bodies(self) -> None:
        """Drop all nodes of bodies of functions; what lies around a definition stays known."""
        self._around.update(pair for pair in self._scopes.items() if isinstance(pair[0], SCOPES))
        for known in (self._scopes, self._local, self._results, self._calls, self._stores):
            known.clear()

    def parents(self, file: Path) -> dict[ast.AST, ast.AST]:
        """Return the node around each node of a file."""
        return self.symbols.sources.modules[file].parents

    def around(self, file: Path, node: ast.AST) -> Iterator[ast.AST]:
        """Yield what a node lies in, from the inside out."""
        parents = self.parents(file)
        while node in parents:
            node = parents[node]
            yield node

    def scopes(self, file: Path, node: ast.AST) -> tuple[Function | ast.ClassDef, ...]:
        """Return the functions and classes around a node whose names it sees, the innermost first.

        What stands in a function's header (a default, a decorator) is not inside it, and the names of a class are seen
        in its own body only. Kept, with those of all nodes around it: this is asked of each name.
        """
        if node not in self._scopes:
            known = self._around.get(node)
            self._scopes[node] = self._scopes_in(self.parents(file), node) if known is None else known
        return self._scopes[node]

    def _scopes_in(
        self, parents: dict[ast.AST, ast.AST], node: ast.AST
    ) -> tuple[Function | ast.ClassDef, ...]:
        chain = [node]
        while chain[-1] in parents and chain[-1] not in self._scopes:
            chain.append(parents[chain[-1]])
        found = self._scopes.get(chain[-1], ())
        for outer, inner in zip(reversed(chain), reversed(chain[:-1]), strict=False):
            if isinstance(outer, SCOPES) and _is_in_body(outer, inner):
                found = (outer, *(scope for scope in found if not isinstance(scope, ast.ClassDef)))
            self._scopes[inner] = found
        return found

    def function(self, file: Path, node: ast.AST) -> Function | None:
        """Return the function in whose body a node stands."""
        return next((scope for scope in self.scopes(file, node) if isinstance(scope, FUNCTIONS)), None)

    def owner(self, file: Path, function: ast.AST) -> ast.ClassDef | None:
        """Return the class of a method."""
        if function not in self._owners:
            outer = self.parents(file).get(function)
            self._owners[function] = outer if isinstance(outer, ast.ClassDef) else None
        return self._owners[function]

    def local(self, scope: Function | ast.ClassDef) -> dict[str, list[Binding]]:
        """Return what the names of a function or a class body are bound to, in the order of the text."""
        if scope not in self._local:
            body = [] if isinstance(scope, ast.Lambda) else scope.body
            declared = {
                name for node in own_nodes(scope) if isinstance(node, ast.Global) for name in node.names
            }
            found = _bindings(body)
            self._local[scope] = {name: values for name, values in found.items() if name not in declared}
        return self._local[scope]

    def results(self, function: Function) -> list[tuple[ast.Return | ast.Yield, ast.expr]]:
        """Return where a function gives something back, and what, in the order of the text."""
        if function not in self._results:
            nodes = (node for node in own_nodes(function) if isinstance(node, ast.Return | ast.Yield))
            self._results[function] = [(node, node.value) for node in nodes if node.value is not None]
        return self._results[function]

    def module(self, file: Path) -> dict[str, list[Binding]]:
        """Return what the names of a module are bound to, by functions that declare them ``global`` as well."""
        tree = self.symbols.sources.modules[file].tree
        if tree not in self._local:
            found = _bindings(tree.body)
            for node in self.symbols.sources.modules[file].of(ast.Global):
                function = self.function(file, node)
                inner = _bindings(
                    [] if function is None or isinstance(function, ast.Lambda) else function.body
                )
                for name in node.names:
                    found[name].extend(inner.get(name, []))
            self._local[tree] = found
        return self._local[tree]

    def calls(self, name: str) -> list[tuple[Path, ast.Call]]:
        """Return the calls of what has a name: ``name()``, ``x.name()``, and what it is given to: ``partial(name)``."""
        return [call for module in self._mentioning[name] for call in self._calls_in(module)[name]]

    def stores(self, attribute: str) -> list[tuple[Path, ast.Attribute, Binding]]:
        """Return where something is stored in an attribute of that name."""
        return [
            store for module in self._mentioning[attribute] for store in self._stores_in(module)[attribute]
        ]

    @cached_property
    def _mentioning(self) -> dict[str, list[Module]]:
        """The modules in whose text there is a word: only those are walked for a name."""
        found: dict[str, list[Module]] = defaultdict(list)
        for module in self._modules:
            for word in module.words:
                found[word].append(module)
        return found

    def _calls_in(self, module: Module) -> dict[str, list[tuple[Path, ast.Call]]]:
        if module.path not in self._calls:
            found: dict[str, list[tuple[Path, ast.Call]]] = defaultdict(list)
            self._calls[module.path] = found
            for node in module.of(ast.Call):
                for name in {last_name(node.func), *(last_name(first) for first in node.args[:1])}:
                    found[name].append((module.path, node))
        return self._calls[module.path]

    def _stores_in(self, module: Module) -> dict[str, list[tuple[Path, ast.Attribute, Binding]]]:
        if module.path not in self._stores:
            found: dict[str, list[tuple[Path, ast.Attribute, Binding]]] = defaultdict(list)
            self._stores[module.path] = found
            nodes: list[ast.Assign | ast.AnnAssign] = [*module.of(ast.Assign), *module.of(ast.AnnAssign)]
            for node in sorted(nodes, key=lambda each: each.lineno):
                if node.value:
                    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                        for place, position in _targets(target):
                            if isinstance(place, ast.Attribute):
                                binding = Binding(node.value, position, node)
                                found[place.attr].append((module.path, place, binding))
        return self._stores[module.path]


def own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a scope's own body, without those of functions and classes within, and what never runs."""
    body = [scope.body] if isinstance(scope, ast.Lambda) else getattr(scope, "body", [])
    waiting: list[ast.AST] = list(reversed(body))
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and never_runs(node):
            waiting.extend(reversed(node.orelse))
        elif not isinstance(node, SCOPES):
            add_children(node, waiting)


def parameters(function: Function) -> dict[str, tuple[ast.arg, ast.expr | None]]:
    """Return a function's parameters, each with its default, in the order in which arguments fill them."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    pairs = [
        *zip(positional, defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    return {argument.arg: (argument, default) for argument, default in pairs}


def _is_in_body(scope: Function | ast.ClassDef, inner: ast.AST) -> bool:
    return inner is scope.body if isinstance(scope, ast.Lambda) else isinstance(inner, ast.stmt)


def _bindings(body: list[ast.stmt]) -> dict[str, list[Binding]]:
    found: dict[str, list[Binding]] = defaultdict(list)
    for statement in statements(body):
        if isinstance(statement, ast.For | ast.AsyncFor) and isinstance(statement.target, ast.Name):
            found[statement.target.id].append(Binding(statement.iter, EACH, statement))
        for target, value in _assigned(statement):
            for place, position in _targets(target):
                if isinstance(place, ast.Name):
                    found[place.id].append(Binding(value, position, statement))
        if not isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
            for node in _expressions(statement):
                if isinstance(node, ast.NamedExpr):
                    found[node.target.id].append(Binding(node.value, None, statement))
                elif isinstance(node, ast.comprehension) and isinstance(node.target, ast.Name):
                    found[node.target.id].append(Binding(node.iter, EACH, statement))
    return found


def _assigned(statement: ast.stmt) -> Iterator[tuple[ast.expr, ast.expr]]:
    if isinstance(statement, ast.Assign):
        yield from ((target, statement.value) for target in statement.targets)
    elif isinstance(statement, ast.AnnAssign | ast.AugAssign) and statement.value:
        yield statement.target, statement.value
    elif isinstance(statement, ast.With | ast.AsyncWith):
        yield from ((item.optional_vars, item.context_expr) for item in statement.items if item.optional_vars)


def _targets(target: ast.expr) -> Iterator[tuple[ast.expr, int | None]]:
    if isinstance(target, ast.Tuple | ast.List):
        yield from ((item, position) for position, item in enumerate(target.elts))
    else:
        yield target, None


def _expressions(statement: ast.stmt) -> Iterator[ast.AST]:
    """Yield the nodes of a statement's own expressions, without the statements in its blocks."""
    for child in children(statement):
        if isinstance(child, ast.expr):
            yield from ast.walk(child)
