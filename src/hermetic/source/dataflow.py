"""Follow a value back to where it comes from, through names, calls, attributes and settings, running nothing.

``create_async_engine(settings.url)`` tells nothing by itself. What it is given is a field, a property that puts parts
together, a function's result, a helper's argument: all that is followed here, call by call, so that a helper that reads
any variable is asked for the one that this caller means. Branches that a default or a given value rules out are left
out (``conditions``). What cannot be followed gives nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from hermetic.source.bindings import EACH, FUNCTIONS, Binding, Bindings, parameters
from hermetic.source.calls import Calls
from hermetic.source.conditions import UNKNOWN, Conditions, Entries, items
from hermetic.source.environ import Reading, reading
from hermetic.source.mandatory_reads import is_demanded
from hermetic.source.origins import (
    HOLE,
    Callee,
    Expression,
    Frames,
    Instance,
    Origin,
    Read,
    Structure,
    Text,
    as_default,
    as_ingredient,
    as_role,
    role_in_text,
    role_of,
)
from hermetic.source.settings_classes import Fields
from hermetic.source.symbols import Reference
from hermetic.source.syntax import literal

DEEPEST = 40
STEPS = 1_500
"""How far one question is followed: an engine's URL takes some hundred, a model's field would take all there are."""
EMPTY: Mapping[str, str] = {}
INNER = ast.Await | ast.Starred | ast.NamedExpr | ast.FormattedValue | ast.Expr


class Dataflow:
    """Ask where values come from.

    Args:
        bindings: The application's names and calls.
        fields: Its settings classes.
        given: The variables that have a value when the tests run, by name.
        examples: What examples show of those that have none.
    """

    def __init__(
        self,
        bindings: Bindings,
        fields: Fields,
        given: Mapping[str, str],
        examples: Mapping[str, str] = EMPTY,
    ) -> None:
        self.bindings = bindings
        self.symbols = bindings.symbols
        self.fields = fields
        self.conditions = Conditions(self, given, examples)
        self._entries = Entries(self, self.conditions)
        self._calls = Calls(self, self.conditions, self._entries, fields)
        self._members = self._calls.members
        self._known: dict[Expression, tuple[Origin, ...]] = {}
        self._cut_short: dict[Expression, tuple[int, tuple[Origin, ...]]] = {}
        self._asked: set[Expression] = set()
        self._cuts = 0
        self._left = STEPS

    def origins(self, place: Expression) -> tuple[Origin, ...]:
        """Return what an expression's value can come from, in the order of the text."""
        if place in self._known:
            return self._known[place]
        depth = len(self._asked)
        if not depth:
            self._left = STEPS
            self._cut_short.clear()
        if place in self._asked:
            return ()  # a circle: who asked first gets what the others have
        before, found = self._cut_short.get(place, (DEEPEST + 1, ()))
        if depth >= before or not self._left:
            self._cuts += 1
            return found
        cuts = self._cuts
        self._left -= 1
        self._asked.add(place)
        found = tuple(dict.fromkeys(self._expression(place)))
        self._asked.discard(place)
        if cuts == self._cuts or not depth:
            self._known[place] = found
        else:
            self._cut_short[place] = depth, found  # asked as deep again, it would be cut as short
        return found

    def flattened(self, origins: Iterable[Origin], depth: int = 4) -> Iterator[Text | Read]:
        """Yield the texts and variables among origins, those within dictionaries included."""
        for origin in origins:
            if isinstance(origin, Text | Read):
                yield origin
            elif isinstance(origin, Structure) and depth:
                for key, item in items(origin.place):
                    yield from as_role(self.flattened(self.origins(item), depth - 1), role_of(key))

    def bound(self, file: Path, bindings: Iterable[Binding], frames: Frames) -> Iterator[Origin]:
        """Yield the origins of what a name is bound to, where the statements can run."""
        for binding in bindings:
            if self.conditions.is_dead(Expression(file, binding.statement, frames)):
                continue
            origins = self.origins(Expression(file, binding.value, frames))
            position = UNKNOWN if binding.position == EACH else binding.position
            yield from origins if position is None else self._entries.picked(origins, position)

    def only_value(self, place: Expression) -> Expression | None:
        """Return the expression that a name is bound to, where there is one alone."""
        if not isinstance(place.node, ast.Name | ast.Attribute) or self.is_local(place, place.node):
            return None
        reference = self.symbols.resolve(place.file, place.node)
        if reference is None or reference.file is None:
            return None
        found = self.bindings.module(reference.file).get(reference.name, [])
        is_alone = len(found) == 1 and found[0].position is None
        return Expression(reference.file, found[0].value) if is_alone else None

    def reference(self, reference: Reference | None) -> Iterator[Origin]:
        """Yield the origins of a name at the top level of one of the project's files."""
        if reference is None or reference.file is None:
            return
        definition = self.symbols.definition(reference)
        if isinstance(definition, ast.ClassDef):
            yield Instance(reference.file, definition, is_made=False)
        elif isinstance(definition, FUNCTIONS):
            yield Callee(reference.file, definition)
        else:
            yield from self.bound(
                reference.file, self.bindings.module(reference.file).get(reference.name, []), ()
            )

    def read(self, found: Reading, place: Expression) -> Iterator[Origin]:
        """Yield a variable that is read, then its default."""
        name = literal(found.name) or self.conditions.value(Expression(place.file, found.name, place.frames))
        if not isinstance(name, str) or HOLE in name:
            return
        default = Expression(place.file, found.default, place.frames) if found.default is not None else None
        if default is not None and self.conditions.value(default) is None:
            found, default = replace(found, default=None), None
        demanded = found.required or is_demanded(place.file, place.node, self.bindings)
        yield Read(replace(found.variable(name, place.file, place.node), required=demanded))
        if default is not None:
            yield from as_default(self.origins(default))

    def _expression(self, place: Expression) -> Iterator[Origin]:
        node = place.node
        if isinstance(node, ast.Constant):
            yield Text(node.value)
        elif isinstance(node, ast.Name):
            yield from self._name(place, node.id)
        elif isinstance(node, ast.Attribute):
            yield from self._attribute(place, node)
        elif isinstance(node, ast.Call):
            yield from self._calls.origins(place, node)
        elif isinstance(node, ast.JoinedStr):
            yield from self._joined(place, node)
        elif isinstance(node, ast.Subscript):
            yield from self._subscript(place, node)
        elif isinstance(node, ast.Dict | ast.Tuple | ast.List | ast.Set):
            yield Structure(place)
        elif isinstance(node, ast.Lambda):
            yield Callee(place.file, node)
        elif isinstance(node, INNER):
            yield from self.origins(replace(place, node=node.value))
        else:
            yield from self._operation(place)

    def _operation(self, place: Expression) -> Iterator[Origin]:
        node = place.node
        if isinstance(node, ast.BoolOp):
            for index, value in enumerate(node.values):
                origins = self.origins(replace(place, node=value))
                yield from as_default(origins) if index and isinstance(node.op, ast.Or) else origins
        elif isinstance(node, ast.IfExp):
            decided = self.conditions.decide(replace(place, node=node.test))
            branches = [node.body] * (decided is not False) + [node.orelse] * (decided is not True)
            for branch in branches:
                yield from self.origins(replace(place, node=branch))
        elif isinstance(node, ast.BinOp):
            yield from as_ingredient(self.origins(replace(place, node=node.left)))
            right = self.flattened(self.origins(replace(place, node=node.right)))
            yield from as_ingredient(as_role(right, "part"))

    def _name(self, place: Expression, name: str) -> Iterator[Origin]:
        for scope in self.bindings.scopes(place.file, place.node):
            local = self.bindings.local(scope).get(name, [])
            if isinstance(scope, FUNCTIONS) and name in parameters(scope):
                yield from self._calls.parameter(place, scope, name)
            elif not local:
                continue
            yield from self.bound(place.file, local, place.frames)
            return
        reference = self.symbols.lookup(place.file, name)
        yield from self.reference(reference or Reference(place.file, name))

    def _attribute(self, place: Expression, node: ast.Attribute) -> Iterator[Origin]:
        found = reading(place.file, node, self.bindings)
        if found is not None:
            yield from self.read(found, place)
            return
        owner = None if self.is_local(place, node) else self.symbols.resolve(place.file, node.value)
        if owner is not None and (owner.file is None or not owner.name):
            yield from self.reference(self.symbols.resolve(place.file, node))
            return
        for origin in self.origins(replace(place, node=node.value)):
            if isinstance(origin, Instance):
                yield from self._members.of(origin, node.attr)
            elif node.attr == "value":
                yield origin
            else:
                yield from as_ingredient([origin])

    def is_local(self, place: Expression, node: ast.expr) -> bool:
        """Whether a name, or what an attribute is of, is bound in a function or a class around it."""
        while isinstance(node, ast.Attribute):
            node = node.value
        return isinstance(node, ast.Name) and any(
            node.id in self.bindings.local(scope)
            or (isinstance(scope, FUNCTIONS) and node.id in parameters(scope))
            for scope in self.bindings.scopes(place.file, place.node)
        )

    def _joined(self, place: Expression, node: ast.JoinedStr) -> Iterator[Origin]:
        text = ""
        holes: list[Origin] = []
        for index, piece in enumerate(node.values):
            if isinstance(piece, ast.Constant):
                text += str(piece.value)
                continue
            after = literal(node.values[index + 1]) if index + 1 < len(node.values) else None
            role = role_in_text(text, after or "")
            inner = replace(place, node=piece)
            holes += as_ingredient(as_role(self.flattened(self.origins(inner)), role))
            value = self.conditions.value(inner)
            text += HOLE if value is UNKNOWN else str(value)
        yield Text(text)
        yield from holes

    def _subscript(self, place: Expression, node: ast.Subscript) -> Iterator[Origin]:
        found = reading(place.file, node, self.bindings)
        if found is not None:
            yield from self.read(found, place)
            return
        yield from self._members.of_values(place.file, node.value, literal(node.slice))
        key = self.conditions.value(replace(place, node=node.slice))
        yield from self._entries.picked(self.origins(replace(place, node=node.value)), key)
