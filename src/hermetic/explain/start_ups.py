"""What the start-up of an application does, read from the code of its functions: nothing of it is called."""

from __future__ import annotations

import dis
import gc
import inspect
from collections.abc import Iterable, Iterator
from types import AsyncGeneratorType, CodeType, FunctionType, GeneratorType
from typing import Any, NamedTuple

from hermetic.code import Location
from hermetic.explain.frames import attribute, is_a
from hermetic.functions import codes, functions_of

DEEP = 3
"""How many calls are followed from a start-up into the project's other functions."""

MERGED = 20
"""With how many routers' lifespans an application's may be merged."""


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
        for step in _steps(self.functions()):
            if step.does("STORE_ATTR", name) and step.follows is not None and step.follows.argval == "state":
                return step.place
        return self.names(name)

    def sets_global(self, namespace: dict[str, Any], name: str) -> Location | None:
        """Return the line that sets a global of a module, by the module's names; None where none does."""
        there = [each for each in self.functions() if each.__globals__ is namespace]
        return next((step.place for step in _steps(there) if step.does("STORE_GLOBAL", name)), None)

    def sets_attribute(self, value: object, name: str) -> Location | None:
        """Return the line that sets an attribute of a global object; None where none does."""
        for function in self.functions():
            for step in _steps([function]):
                before = step.follows
                if before is None or before.opname != "LOAD_GLOBAL" or not step.does("STORE_ATTR", name):
                    continue
                if function.__globals__.get(before.argval) is value:
                    return step.place
        return None

    def fills(self, value: object, key: object) -> Location | None:
        """Return the line that puts something under a key into a global dictionary; None where none does."""
        for function in self.functions():
            steps = list(_steps([function]))
            loaded = any(
                step.instruction.opname == "LOAD_GLOBAL"
                and function.__globals__.get(step.instruction.argval) is value
                for step in steps
            )
            for step in steps if loaded else ():
                if key in step.texts:
                    return step.place
        return None

    def names(self, name: str) -> Location | None:
        """Return where a text stands in it: the key of a state that it yields, or the argument of a call."""
        return next((step.place for step in _steps(self.functions()) if name in step.texts), None)

    def sets_up(self, value: object) -> Location | None:
        """Return the line of it that calls a method of a global object, or sets an attribute of it."""
        namespace = self.function.__globals__
        for step in _steps_of(self.function.__code__):
            before, instruction = step.follows, step.instruction
            if before is None or before.opname != "LOAD_GLOBAL" or namespace.get(before.argval) is not value:
                continue
            if instruction.opname in ("LOAD_METHOD", "STORE_ATTR") or "NULL|self" in instruction.argrepr:
                return step.place
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
    handlers = _handlers(router) if _runs_handlers(router) else ()
    return _project_functions([getattr(router, "lifespan_context", None), *handlers])


def ignored_start_ups(application: Any) -> list[StartUp]:
    """Return the project's handlers that never run, because the application was given a lifespan as well."""
    router = getattr(application, "router", None)
    return [] if _runs_handlers(router) else _project_functions(_handlers(router))


def _project_functions(values: Iterable[Any]) -> list[StartUp]:
    return [
        StartUp(each) for each in dict.fromkeys(found for value in values for found in functions_of(value))
    ]


def _handlers(router: Any) -> tuple[Any, ...]:
    return tuple(getattr(router, "on_startup", None) or ())


def _runs_handlers(router: Any) -> bool:
    """Whether a router's lifespan is, or contains, that which runs its handlers: one that it is given does not."""
    following: list[Any] = [getattr(router, "lifespan_context", None)]
    for _ in range(MERGED):
        if any(is_a(each, "_DefaultLifespan") and attribute(each, "_router") is router for each in following):
            return True
        closures = (
            cell for each in following for cell in attribute(inspect.unwrap(each), "__closure__") or ()
        )
        following = [cell.cell_contents for cell in closures if callable(cell.cell_contents)]
    return False


def _called(function: FunctionType) -> Iterator[FunctionType]:
    for name in {name for code in codes(function.__code__) for name in code.co_names}:
        yield from functions_of(function.__globals__.get(name))


class _Step(NamedTuple):
    """An instruction of a function.

    Attributes:
        code: Where it stands.
        instruction: It.
        follows: The one before it; None of the first.
    """

    code: CodeType
    instruction: dis.Instruction
    follows: dis.Instruction | None

    def does(self, operation: str, name: str) -> bool:
        """Whether it does this to what has that name."""
        return self.instruction.opname == operation and self.instruction.argval == name

    @property
    def texts(self) -> tuple[Any, ...]:
        """The constant that it takes, or those in its tuple: keys, names of arguments."""
        instruction = self.instruction
        if instruction.opname not in ("LOAD_CONST", "KW_NAMES", "RETURN_CONST") or instruction.arg is None:
            return ()
        constant = self.code.co_consts[instruction.arg]
        return constant if isinstance(constant, tuple) else (constant,)

    @property
    def place(self) -> Location:
        """Its line."""
        line = self.instruction.positions.lineno if self.instruction.positions else None
        return Location(self.code.co_filename, line or self.code.co_firstlineno, self.code.co_name)


def _steps(functions: Iterable[FunctionType]) -> Iterator[_Step]:
    """Give the instructions of functions, those of the functions in them included."""
    for function in functions:
        for code in codes(function.__code__):
            yield from _steps_of(code)


def _steps_of(code: CodeType) -> Iterator[_Step]:
    before: dis.Instruction | None = None
    for instruction in dis.get_instructions(code):
        yield _Step(code, instruction, before)
        before = instruction
