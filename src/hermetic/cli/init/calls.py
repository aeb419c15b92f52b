"""What calls return, and what a function's parameters are given."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import proxy

from hermetic.cli.init.bindings import Function, last_name, parameters
from hermetic.cli.init.origins import (
    Callee,
    Frame,
    Instance,
    Origin,
    Place,
    Role,
    Structure,
    as_default,
    as_ingredient,
    as_role,
    role_of,
)
from hermetic.cli.init.variables import literal, reading

if TYPE_CHECKING:
    from hermetic.cli.init.dataflow import Dataflow

LONGEST = 8
MAKES_A_URL = frozenset({"create", "build", "set", "URL"})
PASSES_ON = frozenset({"str", "cast", "SecretStr", "get_secret_value", "unicode_string", "make_url"})
"""What gives back what it was given, as far as conditions go."""
NO_CALL = ast.Call(ast.Name("", ast.Load()), [], [])


class Calls:
    """Follow values through calls.

    Args:
        dataflow: Asked for the rest.
    """

    def __init__(self, dataflow: Dataflow) -> None:
        self._dataflow: Dataflow = proxy(
            dataflow
        )  # which holds this; nothing else would free a million nodes at once

    def origins(self, place: Place, call: ast.Call) -> Iterator[Origin]:
        """Yield what a call's result can come from."""
        found = reading(place.file, call, self._dataflow.bindings)
        if found is not None:
            yield from self._dataflow.read(found, place)
            return
        if isinstance(call.func, ast.Name) and call.func.id == "dict":
            yield Structure(place)
            return
        if isinstance(call.func, ast.Attribute) and call.func.attr == "get" and call.args:
            yield from self._dataflow.members.of_values(place.file, call.func.value, literal(call.args[0]))
        called = self._dataflow.origins(replace(place, node=call.func))
        targets = [each for each in called if isinstance(each, Callee | Instance)]
        for target in targets:
            yield from self._result(target, place, call)
        if not targets:
            yield from self._of_another_package(place, call, called)

    def returned(self, callee: Callee, place: Place, call: ast.Call = NO_CALL) -> Iterator[Origin]:
        """Yield what a function returns to a call at a place."""
        function = callee.function
        if len(place.frames) >= LONGEST or any(frame.function is function for frame in place.frames):
            return
        frames = (*place.frames, Frame(function, call, place.file, callee.instance))
        if isinstance(function, ast.Lambda):
            yield from self._dataflow.origins(Place(callee.file, function.body, frames))
            return
        has_instance = False
        for node, value in self._dataflow.bindings.results(function):
            here = Place(callee.file, node, frames)
            if self._dataflow.conditions.is_dead(here):
                continue
            for origin in self._dataflow.origins(replace(here, node=value)):
                has_instance |= isinstance(origin, Instance)
                yield origin
            if isinstance(node, ast.Return) and self._dataflow.conditions.is_sure(here):
                break
        if function.returns is not None and not has_instance:
            yield from self.annotated(callee.file, function.returns)

    def parameter(self, place: Place, function: Function, name: str) -> Iterator[Origin]:
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
            given = self._argument(Place(frame.file, frame.call, place.frames[:own]), function, name, owner)
            found += given if given is not None else ()
            if given is None and default is not None:
                found += self._dataflow.origins(Place(place.file, default))
        else:
            found += self._by_all_calls(place.file, function, name, owner)
            if default is not None:
                found += as_default(self._dataflow.origins(Place(place.file, default)))
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
                        yield from self.returned(origin, Place(file, annotation))

    def _result(self, target: Callee | Instance, place: Place, call: ast.Call) -> Iterator[Origin]:
        if isinstance(target, Callee):
            yield from self.returned(target, place, call)
        elif not target.is_made:
            yield replace(target, is_made=True, is_promised=False)
        else:
            for method in self._dataflow.members.of(target, "__call__"):
                if isinstance(method, Callee):
                    yield from self.returned(method, place, call)

    def _of_another_package(
        self, place: Place, call: ast.Call, called: tuple[Origin, ...]
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

    def _called(self, place: Place, origins: tuple[Origin, ...]) -> Iterator[Origin]:
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
            yield from self._argument(Place(where, call), function, name, owner) or ()

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
        if self._dataflow.is_local(Place(where, called), called):
            return False
        symbols = self._dataflow.symbols
        return symbols.definition(symbols.resolve(where, called)) is wanted

    def _gets(self, where: Path, called: ast.expr, method: Function) -> bool:
        targets = self._dataflow.origins(Place(where, called))
        return any(isinstance(target, Callee) and target.function is method for target in targets)

    def _argument(
        self, call: Place, function: Function, name: str, owner: ast.ClassDef | None
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
                unpacked = self._dataflow.structures.entry(replace(call, node=word.value), name)
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
