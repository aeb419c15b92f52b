"""What calls return, what a function's parameters are given, and what an attribute of one of the project's objects is.

An attribute is a field, a property, or what a method stores in it; to know the object one asks what a call returns, and
for what a method returns one asks for attributes.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from weakref import proxy

from hermetic.source.bindings import FUNCTIONS, Function, parameters
from hermetic.source.conditions import Conditions, Entries
from hermetic.source.environ import reading
from hermetic.source.origins import (
    Callee,
    Expression,
    Follows,
    Frame,
    Instance,
    Origin,
    Read,
    Role,
    Structure,
    Text,
    as_default,
    as_ingredient,
    as_role,
    role_of,
)
from hermetic.source.settings_classes import Fields
from hermetic.source.symbols import Class, lineage_of
from hermetic.source.syntax import assignments, last_name, literal

LONGEST = 8
MAKES_A_URL = frozenset({"create", "build", "set", "URL"})
PASSES_ON = frozenset({"str", "cast", "SecretStr", "get_secret_value", "unicode_string", "make_url"})
"""What gives back what it was given, as far as conditions go."""
NO_CALL = ast.Call(ast.Name("", ast.Load()), [], [])


class Calls:
    """Follow values through calls.

    Args:
        dataflow: Asked for the rest.
        conditions: Decides which branches run.
        entries: Knows what is in dictionaries.
        fields: The settings classes.

    Attributes:
        members: What attributes are.
    """

    def __init__(self, dataflow: Follows, conditions: Conditions, entries: Entries, fields: Fields) -> None:
        self._dataflow: Follows = proxy(
            dataflow
        )  # which holds this: trees are freed at once without a circle
        self._conditions = conditions
        self._entries = entries
        self.members = Members(dataflow, self, fields)

    def origins(self, place: Expression, call: ast.Call) -> Iterator[Origin]:
        """Yield what a call's result can come from."""
        found = reading(place.file, call, self._dataflow.bindings)
        if found is not None:
            yield from self._dataflow.read(found, place)
            return
        if isinstance(call.func, ast.Name) and call.func.id == "dict":
            yield Structure(place)
            return
        if isinstance(call.func, ast.Attribute) and call.func.attr == "get" and call.args:
            yield from self.members.of_values(place.file, call.func.value, literal(call.args[0]))
        called = self._dataflow.origins(replace(place, node=call.func))
        targets = [each for each in called if isinstance(each, Callee | Instance)]
        for target in targets:
            yield from self._result(target, place, call)
        if not targets:
            yield from self._of_another_package(place, call, called)

    def returned(self, callee: Callee, place: Expression, call: ast.Call = NO_CALL) -> Iterator[Origin]:
        """Yield what a function returns to a call at a place."""
        function = callee.function
        if len(place.frames) >= LONGEST or any(frame.function is function for frame in place.frames):
            return
        frames = (*place.frames, Frame(function, call, place.file, callee.instance))
        if isinstance(function, ast.Lambda):
            yield from self._dataflow.origins(Expression(callee.file, function.body, frames))
            return
        has_instance = False
        for node, value in self._dataflow.bindings.results(function):
            here = Expression(callee.file, node, frames)
            if self._conditions.is_dead(here):
                continue
            for origin in self._dataflow.origins(replace(here, node=value)):
                has_instance |= isinstance(origin, Instance)
                yield origin
            if isinstance(node, ast.Return) and self._conditions.is_sure(here):
                break
        if function.returns is not None and not has_instance:
            yield from self.annotated(callee.file, function.returns)

    def parameter(self, place: Expression, function: Function, name: str) -> Iterator[Origin]:
        """Yield what a parameter is given: by the call that is being looked into, else by every call there is."""
        own = next((index for index, frame in enumerate(place.frames) if frame.function is function), None)
        frame = place.frames[own] if own is not None else None
        owner = self._dataflow.bindings.owner(place.file, function)
        argument, default = parameters(function)[name]
        if owner is not None and name == next(iter(parameters(function))) and not _is_static(function):
            yield frame.instance if frame and frame.instance else Instance(place.file, owner)
            return
        found: list[Origin] = []
        if frame is not None:
            given = self._argument(
                Expression(frame.file, frame.call, place.frames[:own]), function, name, owner
            )
            found += given if given is not None else ()
            if given is None and default is not None:
                found += self._dataflow.origins(Expression(place.file, default))
        else:
            found += self._by_all_calls(place.file, function, name, owner)
            if default is not None:
                found += as_default(self._dataflow.origins(Expression(place.file, default)))
        yield from found
        if argument.annotation is not None and not any(isinstance(each, Instance) for each in found):
            yield from self.annotated(place.file, argument.annotation)

    def annotated(self, file: Path, annotation: ast.expr) -> Iterator[Origin]:
        """Yield what an annotation promises: a class of the project, or what ``Depends`` in it names."""
        text = literal(annotation)
        if text is not None:
            try:
                annotation = ast.parse(text, mode="eval").body
            except SyntaxError:
                return
        for node in ast.walk(annotation):
            if isinstance(node, ast.Name | ast.Attribute):
                for origin in self._dataflow.reference(self._dataflow.symbols.resolve(file, node)):
                    if isinstance(origin, Instance):
                        yield replace(origin, is_made=True, is_promised=True)
                    elif isinstance(origin, Callee):
                        yield from self.returned(origin, Expression(file, annotation))

    def _result(self, target: Callee | Instance, place: Expression, call: ast.Call) -> Iterator[Origin]:
        if isinstance(target, Callee):
            yield from self.returned(target, place, call)
        elif not target.is_made:
            yield replace(target, is_made=True, is_promised=False)
        else:
            for method in self.members.of(target, "__call__"):
                if isinstance(method, Callee):
                    yield from self.returned(method, place, call)

    def _of_another_package(
        self, place: Expression, call: ast.Call, called: tuple[Origin, ...]
    ) -> Iterator[Origin]:
        """Yield what a call that cannot be looked into is made from: what it is called on, and its arguments."""
        name = last_name(call.func)
        is_same = name in PASSES_ON
        yield from called if is_same else as_ingredient(called)
        arguments: list[tuple[Role, ast.expr]] = [
            (_role_of_position(name, index), argument) for index, argument in enumerate(call.args)
        ]
        arguments += [(role_of(word.arg), word.value) for word in call.keywords]
        for role, argument in arguments:
            origins = list(self._called(place, self._dataflow.origins(replace(place, node=argument))))
            if role != "whole":
                origins = list(as_role(self._dataflow.flattened(origins), role))
            yield from origins if is_same else as_ingredient(origins)

    def _called(self, place: Expression, origins: tuple[Origin, ...]) -> Iterator[Origin]:
        """Yield origins, functions replaced by what they return: ``Depends(get_settings)`` calls them."""
        for origin in origins:
            if isinstance(origin, Callee):
                yield from self.returned(origin, place)
            else:
                yield origin

    def _by_all_calls(
        self, file: Path, function: Function, name: str, owner: ast.ClassDef | None
    ) -> Iterator[Origin]:
        for where, call in self._calls(file, function, owner):
            yield from self._argument(Expression(where, call), function, name, owner) or ()

    def _calls(
        self, file: Path, function: Function, owner: ast.ClassDef | None
    ) -> Iterator[tuple[Path, ast.Call]]:
        """Yield the calls of a function, as the first argument of another call as well: of ``partial``."""
        if isinstance(function, ast.Lambda):
            outer = self._dataflow.bindings.parents(file).get(function)
            if isinstance(outer, ast.Call) and function in outer.args[:1]:
                yield file, ast.Call(function, outer.args[1:], outer.keywords)
            return
        makes = owner if function.name == "__init__" else None
        wanted = makes or function
        for where, call in self._dataflow.bindings.calls(wanted.name):
            is_first = last_name(call.func) != wanted.name
            called = call.args[0] if is_first else call.func
            is_method = owner is not None and makes is None
            if self._gets(where, called, function) if is_method else self._names(where, called, wanted):
                yield where, ast.Call(called, call.args[1:], call.keywords) if is_first else call

    def _names(self, where: Path, called: ast.expr, wanted: ast.AST) -> bool:
        """Whether an expression is the name of a function or a class at the top level of a module."""
        if self._dataflow.is_local(Expression(where, called), called):
            return False
        symbols = self._dataflow.symbols
        return symbols.definition(symbols.resolve(where, called)) is wanted

    def _gets(self, where: Path, called: ast.expr, method: Function) -> bool:
        targets = self._dataflow.origins(Expression(where, called))
        return any(isinstance(target, Callee) and target.function is method for target in targets)

    def _argument(
        self, call: Expression, function: Function, name: str, owner: ast.ClassDef | None
    ) -> tuple[Origin, ...] | None:
        """Return the origins of what a call gives to a parameter; None where it gives nothing."""
        node = call.node
        assert isinstance(node, ast.Call)
        names = list(parameters(function))
        if owner is not None and not _is_static(function):
            names = names[1:]
        for word in node.keywords:
            if word.arg == name:
                return self._dataflow.origins(replace(call, node=word.value))
            if word.arg is None:
                unpacked = self._entries.entry(replace(call, node=word.value), name)
                if unpacked is not None:
                    return unpacked
        position = names.index(name) if name in names else len(node.args)
        if position < len(node.args) and not any(
            isinstance(each, ast.Starred) for each in node.args[: position + 1]
        ):
            return self._dataflow.origins(replace(call, node=node.args[position]))
        return None


def _is_static(function: Function) -> bool:
    decorators = [] if isinstance(function, ast.Lambda) else function.decorator_list
    return any(last_name(decorator) == "staticmethod" for decorator in decorators)


def _role_of_position(function: str, index: int) -> Role:
    if function == "format":
        return "part"
    if function in MAKES_A_URL:
        return "scheme" if index == 0 else "part"
    return "whole"


PROPERTIES = frozenset({"property", "cached_property", "computed_field", "hybrid_property"})
VALIDATORS = frozenset({"validator", "field_validator"})
ALL = VALIDATORS | {"model_validator", "root_validator"}


class Members:
    """Look attributes up.

    Args:
        dataflow: Asked for the values.
        calls: Asked for what methods return.
        fields: The settings classes.
    """

    def __init__(self, dataflow: Follows, calls: Calls, fields: Fields) -> None:
        self._dataflow: Follows = proxy(
            dataflow
        )  # which holds this: trees are freed at once without a circle
        self._calls: Calls = proxy(calls)
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
                        [Text(name)]
                        if is_automatic
                        else self._dataflow.origins(Expression(owner.file, value))
                    )
        elif isinstance(line, FUNCTIONS):
            names = {last_name(_called(decorator)) for decorator in line.decorator_list}
            callee = Callee(owner.file, line, instance)
            if line.name == name and names & PROPERTIES:
                yield from self._calls.returned(callee, Expression(owner.file, line))
            elif line.name == name:
                yield callee
            elif names & VALIDATORS and any(_validates(decorator, name) for decorator in line.decorator_list):
                yield from self._calls.returned(callee, Expression(owner.file, line))

    def _field(self, owner: Class, line: ast.AnnAssign, name: str) -> Iterator[Origin]:
        variable = self._fields.variables.get(line)
        default = variable.default if variable else line.value
        origins = self._dataflow.origins(Expression(owner.file, default)) if default is not None else ()
        if variable is not None:
            yield Read(variable)
        yield from as_default(origins) if variable else origins
        for file, call in self._dataflow.bindings.calls(owner.definition.name):
            for word in call.keywords:
                if word.arg == name and last_name(call.func) == owner.definition.name:
                    yield from self._dataflow.origins(Expression(file, word.value))
        yield from self._calls.annotated(owner.file, line.annotation)

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
            holders = self._dataflow.origins(Expression(file, target.value))
            if any(isinstance(holder, Instance) and holder.definition in definitions for holder in holders):
                own.append((file, binding))
        for file, binding in own:
            yield from self._dataflow.bound(file, [binding], ())


def _called(decorator: ast.expr) -> ast.expr:
    return decorator.func if isinstance(decorator, ast.Call) else decorator


def _validates(decorator: ast.expr, name: str) -> bool:
    return isinstance(decorator, ast.Call) and any(literal(argument) == name for argument in decorator.args)
