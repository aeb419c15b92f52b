"""Which branches can run, and which entry of a dictionary is meant, as far as defaults and given values tell.

An application that supports two databases has both URLs in its code. Which one it uses is decided by a condition on a
setting, or by a dictionary that a setting is looked up in, and the setting has a default.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final
from weakref import proxy

from hermetic.source.bindings import FUNCTIONS
from hermetic.source.environ import ENVIRONMENTS, Variable, outside
from hermetic.source.origins import (
    HOLE,
    Expression,
    Follows,
    Instance,
    Origin,
    Read,
    Structure,
    Text,
    as_ingredient,
)
from hermetic.source.syntax import is_for_scripts, literal


class Unknown:
    """The type of ``UNKNOWN``."""


UNKNOWN: Final = Unknown()
LONGEST = 20
"""How many names may stand for each other."""

TRUE = frozenset({"1", "true", "t", "yes", "y", "on"})
CHANGES: dict[str, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "strip": str.strip,
    "casefold": str.casefold,
}


class Conditions:
    """Decide conditions.

    Args:
        dataflow: Asked for the values in them.
        given: The variables that have a value when the tests run, by name.
        examples: What examples show: where a variable must have a value, it will be one like that.
    """

    def __init__(self, dataflow: Follows, given: Mapping[str, str], examples: Mapping[str, str]) -> None:
        self._dataflow: Follows = proxy(
            dataflow
        )  # which holds this: trees are freed at once without a circle
        self.given = given
        self._examples = examples
        self._asked: set[Expression] = set()

    def is_dead(self, place: Expression) -> bool:
        """Whether a condition around a node, within its function, rules out that it runs."""
        return any(decided is False for decided in self._around(place))

    def is_sure(self, place: Expression) -> bool:
        """Whether every condition around a node, within its function, is known to hold."""
        return all(self._around(place))

    def decide(self, place: Expression) -> bool | None:
        """Return whether a condition holds; None where that cannot be told."""
        node = place.node
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = self.decide(replace(place, node=node.operand))
            return None if inner is None else not inner
        if isinstance(node, ast.BoolOp):
            decided = [self.decide(replace(place, node=value)) for value in node.values]
            ends = isinstance(node.op, ast.Or)
            return ends if ends in decided else None if None in decided else not ends
        if is_for_scripts(node):
            return False
        if isinstance(node, ast.Compare):
            return self._compare(place, node) if len(node.ops) == 1 else None
        value = self.value(place)
        return None if value is UNKNOWN or HOLE in str(value) else bool(value)

    def value(self, place: Expression) -> object:
        """Return the value of an expression by defaults and given values; ``UNKNOWN`` where they do not tell."""
        node = place.node
        if isinstance(node, ast.Compare):
            decided = self.decide(place)
            return UNKNOWN if decided is None else decided
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
            values = (self.value(replace(place, node=each)) for each in node.values)
            return next((value for value in values if value is UNKNOWN or value), None)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGES:
            inner = self.value(replace(place, node=node.func.value))
            return CHANGES[node.func.attr](inner) if isinstance(inner, str) else UNKNOWN
        only = self._dataflow.only_value(place)
        if only is None or only in self._asked or len(self._asked) > LONGEST:
            return self._by_origins(place)
        self._asked.add(only)
        value = self.value(only)
        self._asked.discard(only)
        return value

    def known(self, variable: Variable) -> object:
        """Return what a variable is: its given value, else its default, else None where it may be missing."""
        for name in variable.names:
            if name in self.given:
                text = self.given[name]
                return text.lower() in TRUE if "bool" in variable.annotation else text
        if variable.default is not None:
            return self.value(Expression(variable.file, variable.default))
        if not variable.required:
            return None
        return next((self._examples[name] for name in variable.names if name in self._examples), UNKNOWN)

    def _by_origins(self, place: Expression) -> object:
        origins = [
            each
            for each in self._dataflow.origins(place)
            if not (isinstance(each, Instance) and each.is_promised)
        ]
        if not origins or not all(isinstance(each, Text | Read) and each.is_exact for each in origins):
            return UNKNOWN
        variables = {origin.variable for origin in origins if isinstance(origin, Read)}
        if variables:
            return self.known(variables.pop()) if len(variables) == 1 else UNKNOWN
        values = {origin.value for origin in origins if isinstance(origin, Text)}
        return values.pop() if len(values) == 1 else UNKNOWN

    def _compare(self, place: Expression, node: ast.Compare) -> bool | None:
        operator, right = node.ops[0], node.comparators[0]
        left = self.value(replace(place, node=node.left))
        if isinstance(operator, ast.In | ast.NotIn):
            found = self._contains(place, left, right)
            return found if found is None or isinstance(operator, ast.In) else not found
        other = self.value(replace(place, node=right))
        if UNKNOWN in (left, other) or HOLE in f"{left}{other}":
            return None
        if isinstance(operator, ast.Eq | ast.Is):
            return left == other
        return left != other if isinstance(operator, ast.NotEq | ast.IsNot) else None

    def _contains(self, place: Expression, left: object, right: ast.expr) -> bool | None:
        container = outside(place.file, right, self._dataflow.symbols)
        if container in ENVIRONMENTS:
            return left in self.given if isinstance(left, str) else None
        if container == "sys.modules":
            return True if left == "pytest" else None
        if isinstance(right, ast.Tuple | ast.List | ast.Set):
            values = [self.value(replace(place, node=each)) for each in right.elts]
            return None if UNKNOWN in (left, *values) else left in values
        text = self.value(replace(place, node=right))
        return left in text if isinstance(left, str) and isinstance(text, str) and HOLE not in text else None

    def _around(self, place: Expression) -> Iterator[bool | None]:
        """Yield, for each condition around a node within its function, whether it lets the node run."""
        inner = place.node
        for outer in self._dataflow.bindings.around(place.file, inner):
            if isinstance(outer, FUNCTIONS):
                return
            if isinstance(outer, ast.If | ast.IfExp) and inner is not outer.test:
                decided = self.decide(replace(place, node=outer.test))
                is_body = inner in outer.body if isinstance(outer.body, list) else inner is outer.body
                yield decided if is_body or decided is None else not decided
            elif isinstance(outer, ast.Try | ast.ExceptHandler | ast.match_case | ast.For | ast.While):
                yield None
            inner = outer


class Entries:
    """Look entries up.

    Args:
        dataflow: Asked for the values.
        conditions: Asked for the keys.
    """

    def __init__(self, dataflow: Follows, conditions: Conditions) -> None:
        self._dataflow: Follows = proxy(dataflow)
        self._conditions = conditions

    def entry(self, place: Expression, name: str) -> tuple[Origin, ...] | None:
        """Return the origins of an entry of a dictionary; None where it has none of that name, or is none."""
        for origin in self._dataflow.origins(place):
            for key, item in items(origin.place) if isinstance(origin, Structure) else ():
                if key == name:
                    return self._dataflow.origins(item)
        return None

    def picked(self, origins: Iterable[Origin], key: object) -> Iterator[Origin]:
        """Yield the origins of an entry of dictionaries and lists; of all entries where the key cannot be told."""
        for origin in origins:
            if not isinstance(origin, Structure):
                yield from as_ingredient([origin])
                continue
            entries = list(items(origin.place))
            keys = [self._key(origin.place, index, key) for index in range(len(entries))]
            for (_, item), own in zip(entries, keys, strict=True):
                if key in keys and own != key and UNKNOWN not in (key, own):
                    continue
                yield from self._dataflow.origins(item)

    def _key(self, place: Expression, index: int, wanted: object) -> object:
        """Return the key of an entry; its position in a list."""
        node = place.node
        if isinstance(node, ast.Dict):
            own = node.keys[index]
            return UNKNOWN if own is None else self._conditions.value(replace(place, node=own))
        return node.keywords[index].arg if isinstance(node, ast.Call) else index


def items(place: Expression) -> Iterator[tuple[str | None, Expression]]:
    """Yield the entries of a dictionary, list or tuple, each with its key where that is a text."""
    node = place.node
    if isinstance(node, ast.Dict):
        pairs = [(literal(key), value) for key, value in zip(node.keys, node.values, strict=True)]
    elif isinstance(node, ast.Call):
        pairs = [(word.arg, word.value) for word in node.keywords]
    else:
        assert isinstance(node, ast.Tuple | ast.List | ast.Set)
        pairs = [(None, value) for value in node.elts]
    yield from ((key, replace(place, node=value)) for key, value in pairs)
