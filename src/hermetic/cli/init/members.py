"""What an attribute of one of the project's objects is: a field, a property, what a method stores in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import proxy

from hermetic.cli.init.bindings import FUNCTIONS, last_name, parameters
from hermetic.cli.init.fields import Class, Fields, lineage_of
from hermetic.cli.init.origins import Callee, Instance, Origin, Place, Read, Text, as_default
from hermetic.cli.init.syntax import assignments
from hermetic.cli.init.variables import literal

if TYPE_CHECKING:
    from hermetic.cli.init.dataflow import Dataflow

PROPERTIES = frozenset({"property", "cached_property", "computed_field", "hybrid_property"})
VALIDATORS = frozenset({"validator", "field_validator"})
ALL = VALIDATORS | {"model_validator", "root_validator"}


class Members:
    """Look attributes up.

    Args:
        dataflow: Asked for the values.
        fields: The settings classes.
    """

    def __init__(self, dataflow: Dataflow, fields: Fields) -> None:
        self._dataflow: Dataflow = proxy(
            dataflow
        )  # which holds this; nothing else would free a million nodes at once
        self._fields = fields

    def of(self, instance: Instance, name: str) -> Iterator[Origin]:
        """Yield what an attribute can be."""
        lineage = list(lineage_of(Class(instance.file, instance.definition), self._dataflow.symbols))
        for each in lineage:
            for line in each.definition.body:
                yield from self._in_body(each, line, name, instance)
        yield from self._stored(lineage, name)

    def of_values(self, file: Path, owner: ast.expr, name: str | None) -> Iterator[Origin]:
        """Yield what an entry of a validator's argument can be: the field of that name (``values["host"]``)."""
        function = self._dataflow.bindings.function(file, owner)
        root = owner.value if isinstance(owner, ast.Attribute) and owner.attr == "data" else owner
        if name is None or function is None or isinstance(function, ast.Lambda):
            return
        settings = self._dataflow.bindings.owner(file, function)
        validates = any(last_name(_called(decorator)) in ALL for decorator in function.decorator_list)
        if settings and validates and last_name(root) in list(parameters(function))[1:]:
            yield from self.of(Instance(file, settings), name)

    def _in_body(self, owner: Class, line: ast.stmt, name: str, instance: Instance) -> Iterator[Origin]:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.target.id == name:
            yield from self._field(owner, line, name)
        elif isinstance(line, ast.Assign):
            for target, value in assignments(line):
                if target == name:
                    is_automatic = isinstance(value, ast.Call) and last_name(value.func) == "auto"
                    yield from (
                        [Text(name)] if is_automatic else self._dataflow.origins(Place(owner.file, value))
                    )
        elif isinstance(line, FUNCTIONS):
            names = {last_name(_called(decorator)) for decorator in line.decorator_list}
            callee = Callee(owner.file, line, instance)
            if line.name == name and names & PROPERTIES:
                yield from self._dataflow.calls.returned(callee, Place(owner.file, line))
            elif line.name == name:
                yield callee
            elif names & VALIDATORS and any(_validates(decorator, name) for decorator in line.decorator_list):
                yield from self._dataflow.calls.returned(callee, Place(owner.file, line))

    def _field(self, owner: Class, line: ast.AnnAssign, name: str) -> Iterator[Origin]:
        variable = self._fields.variables.get(line)
        default = variable.default if variable else line.value
        origins = self._dataflow.origins(Place(owner.file, default)) if default is not None else ()
        if variable is not None:
            yield Read(variable)
        for origin in as_default(origins) if variable else origins:
            if isinstance(origin, Callee):  # default_factory
                yield from self._dataflow.calls.returned(origin, Place(owner.file, line))
            else:
                yield origin
        for file, call in self._dataflow.bindings.calls(owner.definition.name):
            for word in call.keywords:
                if word.arg == name and last_name(call.func) == owner.definition.name:
                    yield from self._dataflow.origins(Place(file, word.value))
        yield from self._dataflow.calls.annotated(owner.file, line.annotation)

    def _stored(self, lineage: list[Class], name: str) -> Iterator[Origin]:
        """Yield what methods store in an attribute of their own; where none does, what others store in it."""
        definitions = [each.definition for each in lineage]
        own, others = [], []
        for file, target, binding in self._dataflow.bindings.stores(name):
            function = self._dataflow.bindings.function(file, target)
            if function is None or last_name(target.value) not in ("self", "cls"):
                others.append((file, target, binding))
            elif self._dataflow.bindings.owner(file, function) in definitions:
                own.append((file, binding))
        for file, target, binding in [] if own else others:
            holders = self._dataflow.origins(Place(file, target.value))
            if any(isinstance(holder, Instance) and holder.definition in definitions for holder in holders):
                own.append((file, binding))
        for file, binding in own:
            yield from self._dataflow.bound(file, [binding], ())


def _called(decorator: ast.expr) -> ast.expr:
    return decorator.func if isinstance(decorator, ast.Call) else decorator


def _validates(decorator: ast.expr, name: str) -> bool:
    return isinstance(decorator, ast.Call) and any(literal(argument) == name for argument in decorator.args)
