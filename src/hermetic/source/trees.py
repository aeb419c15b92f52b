"""Syntax trees that take little memory: what a function does is parsed again when somebody asks for it.

Seven in ten of a suite's nodes are in bodies of functions, and few of them are of interest at a time. To migrate a
thousand files took 513 MB with all trees, and takes 170 so. A definition, and an import, is the same object each time,
inside a body as well, so that what is known of it can be kept by it; other nodes of a body are not, and are named by
their places.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any, TypeVar, cast
from weakref import ref

from hermetic.source.syntax import blocks, fields, nodes_of, parents_of, statements_of

N = TypeVar("N", bound=ast.AST)
Outlined = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINED: tuple[type[ast.AST], ...] = (*FUNCTIONS, ast.ClassDef)
WHOLE: tuple[type[ast.AST], ...] = (ast.Lambda, ast.Import, ast.ImportFrom)
"""What is kept with all that is in it."""


class Trees:
    """The trees of a project of which more than an outline is there."""

    def __init__(self) -> None:
        self._whole: dict[Tree, None] = {}

    def add(self, tree: Tree) -> None:
        """Note that a tree is there."""
        self._whole[tree] = None

    def remove(self, tree: Tree) -> None:
        """Note that no more than an outline of a tree is there."""
        self._whole.pop(tree, None)

    def drop_bodies(self) -> None:
        """Drop the bodies of functions. Nobody may have a node of one in hand; the definitions stay what they are."""
        for tree in list(self._whole):
            tree.drop_bodies()

    def __len__(self) -> int:
        return len(self._whole)


class Tree:
    """The syntax tree of a file.

    Args:
        text: What is in the file.
        read: Parses that.
        trees: Is told when it has; None where trees stay.
    """

    def __init__(self, text: bytes, read: Callable[[bytes], ast.Module], trees: Trees | None) -> None:
        self.trees = trees
        self._read = partial(read, text)
        self._inside = fields if b"lambda" in text else blocks
        self._root: ast.Module | None = None
        self._outer: list[ast.FunctionDef | ast.AsyncFunctionDef] | None = None
        self._inner: dict[ast.AST, list[ast.AST]] = {}
        self._defined: dict[type[ast.AST], list[ast.AST]] = {}

    @property
    def root(self) -> ast.Module:
        """The tree.

        Raises:
            SyntaxError: The file is not Python.
            ValueError: Nor can it be read as such: it has null bytes.
        """
        if self._root is None:
            self._root = self._read()
            self.__dict__.pop("imports", None)
            if self.trees is not None:
                self.trees.add(self)
        return self._root

    def drop(self) -> None:
        """Drop all of it but the imports, if these were asked for. Whoever asks for more gets other nodes."""
        self._root = self._outer = None
        if self.trees is not None:
            self.trees.remove(self)
        self._inner, self._defined = {}, {}
        self._drop_lists()

    def drop_bodies(self) -> None:
        """Drop the bodies of its functions, where that is wanted: fill() has them again."""
        if self.trees is None or self._root is None:
            return
        self.trees.remove(self)
        if self._outer is None:
            self._outline(self._root)
        for function in self._outer or ():
            for each in (function, *self._inner.get(function, ())):
                if not isinstance(each, WHOLE):
                    cast(Outlined, each).body = _Body(self, cast(Outlined, each))
        self._drop_lists()

    def _drop_lists(self) -> None:
        for name in ("nodes", "places", "parents", "_by_kind", "_statements"):
            self.__dict__.pop(name, None)

    def _outline(self, root: ast.Module) -> None:
        """Note the definitions, and the imports, which are asked for again and again."""
        _ = self.imports
        outer = list(_outside_bodies(root))
        self._outer = [each for each in outer if isinstance(each, FUNCTIONS)]
        found = {each: [inner for _, _, inner in _definitions_in(each, self._inside)] for each in self._outer}
        self._inner = {each: inner for each, inner in found.items() if inner}
        all_of_them = [*outer, *(each for inner in self._inner.values() for each in inner)]
        all_of_them.sort(key=lambda each: (each.lineno, each.col_offset))  # type: ignore[attr-defined]
        self._defined = {kind: [each for each in all_of_them if type(each) is kind] for kind in DEFINED}

    def fill(self) -> None:
        """Parse the file again, and give the definitions their bodies back."""
        assert self._outer is not None
        new = (each for each in _outside_bodies(self._read()) if isinstance(each, FUNCTIONS))
        for function, again in zip(self._outer, new, strict=True):
            known = iter(self._inner.get(function, ()))
            for holder, key, inner in (
                list(_definitions_in(again, self._inside)) if function in self._inner else ()
            ):
                there = next(known)
                holder[key] = there
                if not isinstance(inner, WHOLE):
                    cast(Outlined, there).body = cast(Outlined, inner).body
            function.body = again.body
        if self.trees is not None:
            self.trees.add(self)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node in the order of the text, operators and contexts aside."""
        return tuple(nodes_of(self.root))

    @cached_property
    def places(self) -> dict[ast.AST, int]:
        """Where each node stands among the nodes: the same each time that the file is parsed."""
        return {node: place for place, node in enumerate(self.nodes)}

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """The node around each node."""
        return parents_of(self.nodes)

    @cached_property
    def imports(self) -> tuple[ast.Import | ast.ImportFrom, ...]:
        """The import statements, those in functions included."""
        found: list[ast.Import | ast.ImportFrom] = [*self.of(ast.Import), *self.of(ast.ImportFrom)]
        return tuple(sorted(found, key=lambda node: (node.lineno, node.col_offset)))

    def of(self, kind: type[N]) -> Sequence[N]:
        """Return the nodes of one kind in the order of the text; each finder looks for a few among very many."""
        if kind in self._defined:
            return cast(Sequence[N], self._defined[kind])
        found = self._statements if issubclass(kind, ast.stmt) else self._by_kind
        return cast(Sequence[N], found.get(kind, ()))

    @cached_property
    def _by_kind(self) -> dict[type[ast.AST], list[ast.AST]]:
        return _sorted_by_kind(self.nodes)

    @cached_property
    def _statements(self) -> dict[type[ast.AST], list[ast.AST]]:
        return _sorted_by_kind(statements_of(self.root))


class _Body(list[ast.stmt]):
    """A body that was dropped: whoever looks into it has the file parsed again."""

    __slots__ = ("_of", "_tree")

    def __init__(self, tree: Tree, definition: Outlined) -> None:
        self._tree = tree
        self._of = ref(definition)  # no circle: collecting is off while trees are read

    @property
    def _statements(self) -> list[ast.stmt]:
        definition = self._of()
        assert definition is not None
        if definition.body is self:
            self._tree.fill()
        return definition.body

    def __iter__(self) -> Iterator[ast.stmt]:
        return iter(self._statements)

    def __reversed__(self) -> Iterator[ast.stmt]:
        return reversed(self._statements)

    def __getitem__(self, key: Any) -> Any:
        return self._statements[key]

    def __len__(self) -> int:
        return len(self._statements)

    def __contains__(self, node: object) -> bool:
        return node in self._statements


def _sorted_by_kind(nodes: Iterable[ast.AST]) -> dict[type[ast.AST], list[ast.AST]]:
    found: dict[type[ast.AST], list[ast.AST]] = {}
    for node in nodes:
        found.setdefault(type(node), []).append(node)
    return found


def _outside_bodies(root: ast.Module) -> Iterator[ast.AST]:
    """Yield the functions and classes that are in no function."""
    waiting: list[ast.AST] = [*reversed(root.body)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, DEFINED):
            yield node
        if not isinstance(node, FUNCTIONS):
            for name in blocks(node):
                waiting.extend(getattr(node, name)[::-1])


def _definitions_in(
    function: ast.AST, inside: Callable[[ast.AST], tuple[str, ...]]
) -> Iterator[tuple[Any, Any, ast.AST]]:
    """Yield the definitions, lambdas and imports in a body, each with where it is: a list and a place in it.

    Args:
        function: Whose body that is.
        inside: Returns in which fields of a node they can be.
    """
    waiting = [function]
    while waiting:
        node = waiting.pop()
        for name in ("body",) if isinstance(node, DEFINED) else inside(node):
            value = getattr(node, name, None)
            if isinstance(value, ast.Lambda):
                yield node.__dict__, name, value
            elif isinstance(value, ast.AST):
                waiting.append(value)
            elif isinstance(value, list):
                nodes = [(place, each) for place, each in enumerate(value) if isinstance(each, ast.AST)]
                yield from ((value, *pair) for pair in nodes if isinstance(pair[1], (*DEFINED, *WHOLE)))
                waiting += [each for _, each in nodes if not isinstance(each, WHOLE)]
