"""What the start-up of an application does, read from the code of its functions: nothing of it is called."""

from __future__ import annotations

import dis
import gc
import inspect
from collections.abc import Iterator
from types import AsyncGeneratorType, CodeType, FunctionType, GeneratorType
from typing import Any, NamedTuple

from hermetic.code import Location
from hermetic.functions import codes, functions_of

DEEP = 3
"""How many calls are followed from a start-up into the project's other functions."""


class StartUp(NamedTuple):
    """A function of the project that runs when an application starts: a lifespan, or a handler.

    Attributes:
        function: It, of Python.
    """

    function: Any

    @property
    def location(self) -> Location:
        """Where it is defined."""
        code = self.function.__code__
        return Location(code.co_filename, code.co_firstlineno, code.co_name)

    def functions(self) -> list[FunctionType]:
        """Return it, and the functions of the project that it may call."""
        found: list[FunctionType] = [self.function]
        following = found
        for _ in range(DEEP):
            following = [called for each in following for called in _called(each) if called not in found]
            found = [*found, *following]
        return found

    def sets_state(self, name: str) -> Location | None:
        """Return the line that sets an attribute of ``app.state``; None where none does."""
        for function in self.functions():
            for code in codes(function.__code__):
                before: object = None
                for instruction in dis.get_instructions(code):
                    if (
                        instruction.opname == "STORE_ATTR"
                        and instruction.argval == name
                        and before == "state"
                    ):
                        return _place(code, instruction)
                    before = instruction.argval
        return self.names(name)

    def sets_global(self, namespace: dict[str, Any], name: str) -> Location | None:
        """Return the line that sets a global of a module, by the module's names; None where none does."""
        for function in self.functions():
            if function.__globals__ is namespace:
                for code in codes(function.__code__):
                    for line in _lines_of(code, "STORE_GLOBAL", name):
                        return line
        return None

    def names(self, name: str) -> Location | None:
        """Return where a text stands in it: the key of a state that it yields, or the argument of a call."""
        for function in self.functions():
            for code in codes(function.__code__):
                for instruction in dis.get_instructions(code):
                    if name in _texts(code, instruction):
                        return _place(code, instruction)
        return None

    def sets_up(self, value: object) -> Location | None:
        """Return the line of it that calls a method of a global object, or sets an attribute of it."""
        namespace, code = self.function.__globals__, self.function.__code__
        before: dis.Instruction | None = None
        for instruction in dis.get_instructions(code):
            if (
                before is not None
                and before.opname == "LOAD_GLOBAL"
                and namespace.get(before.argval) is value
            ):
                method = instruction.opname == "LOAD_METHOD" or "NULL|self" in instruction.argrepr
                if method or instruction.opname == "STORE_ATTR":
                    return _place(code, instruction)
            before = instruction
        return None

    @property
    def is_lifespan(self) -> bool:
        """Whether it is there as long as the application is up."""
        return inspect.isasyncgenfunction(self.function) or inspect.isgeneratorfunction(self.function)

    @property
    def is_running(self) -> bool:
        """Whether it is between its beginning and its end somewhere, be it started by whomever."""
        code = self.function.__code__
        return any(_is_open(each, code) for each in gc.get_objects() if type(each) in _GENERATORS)


_GENERATORS = (AsyncGeneratorType, GeneratorType)


def _is_open(generator: Any, code: CodeType) -> bool:
    if isinstance(generator, AsyncGeneratorType):
        return generator.ag_code is code and generator.ag_frame is not None
    return generator.gi_code is code and generator.gi_frame is not None


def start_ups(application: Any) -> list[StartUp]:
    """Return the project's functions that run when an application starts; none where it cannot be told."""
    router = getattr(application, "router", None)
    found: list[FunctionType] = []
    for each in (getattr(router, "lifespan_context", None), *(getattr(router, "on_startup", None) or ())):
        found += functions_of(each)
    return [StartUp(each) for each in dict.fromkeys(found)]


def _called(function: FunctionType) -> Iterator[FunctionType]:
    for name in {name for code in codes(function.__code__) for name in code.co_names}:
        yield from functions_of(function.__globals__.get(name))


def _lines_of(code: CodeType, operation: str, name: str) -> Iterator[Location]:
    for instruction in dis.get_instructions(code):
        if instruction.opname == operation and instruction.argval == name:
            yield _place(code, instruction)


def _texts(code: CodeType, instruction: dis.Instruction) -> tuple[Any, ...]:
    """Return the constant that an instruction takes, or those in its tuple: keys, names of arguments."""
    if instruction.opname not in ("LOAD_CONST", "KW_NAMES", "RETURN_CONST") or instruction.arg is None:
        return ()
    constant = code.co_consts[instruction.arg]
    return constant if isinstance(constant, tuple) else (constant,)


def _place(code: CodeType, instruction: dis.Instruction) -> Location:
    line = instruction.positions.lineno if instruction.positions else None
    return Location(code.co_filename, line or code.co_firstlineno, code.co_name)
