"""What a function of the project's may do, read from its code: nothing of it is called."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from types import CodeType, FunctionType, ModuleType
from typing import Any

from hermetic.code import is_library

MOST = 200
"""How many functions are looked at, those that one may call and so on."""

A_LIBRARY = "a library"
"""Stands for the names in the code of a library that nobody looks at."""

_HARMLESS = frozenset(
    {"fastapi", "pydantic", "pydantic_settings", "sqlalchemy", "sqlmodel", "starlette", "typing_extensions"}
)
"""Libraries that do nothing by themselves of what is looked for: who calls them names it."""

_SPECIAL = ("__aenter__", "__aexit__", "__call__", "__enter__", "__exit__", "__init__")
"""What is called without its name."""


def functions_of(value: Any) -> Iterator[FunctionType]:
    """Give a function of the project's, or those that a library's closure holds."""
    function = inspect.unwrap(value) if callable(value) else None
    if not isinstance(function, FunctionType):
        return
    if not is_library(function.__code__.co_filename):
        yield function
        return
    for cell in function.__closure__ or ():
        yield from functions_of(cell.cell_contents)


def codes(code: CodeType) -> Iterator[CodeType]:
    """Give the code of a function, and of those that are defined in it."""
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from codes(each)


def attributes_named(value: Any) -> set[str]:
    """Return the names of all attributes and globals in the code of a function, or of a class, and of what it may call.

    ``A_LIBRARY`` is among them where not all is known: where it, or something that it calls, is a library's.
    """
    named: set[str] = set()
    for each in with_callees(value):
        named |= {A_LIBRARY} if each is None else _names(each)
    return named


def values_named(value: Any) -> Iterator[Any]:
    """Give the values that the code of a function, and of what it may call, can name: none of its local variables.

    They are globals, what its closure holds, and what of these is named as an attribute; no property is asked.
    """
    functions = [each for each in with_callees(value) if each is not None]
    names = {name for each in functions for name in _names(each)}
    found: list[Any] = []
    for each in functions:
        found += [each.__globals__[name] for name in names if name in each.__globals__]
        found += [_content(cell) for cell in each.__closure__ or ()]
    seen: set[int] = set()
    for one in found:
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            members = _members(one)
            found += [members[name] for name in names if name in members]


def _members(value: Any) -> Mapping[str, Any]:
    """Return the attributes of a value, and what Starlette's State has as such."""
    members: Mapping[str, Any] = {}
    with suppress(Exception):  # a proxy asks what it stands for
        members = value.__dict__
    return {**members, **members["_state"]} if type(value).__name__ == "State" else members


def with_callees(value: Any, without: Collection[Any] = ()) -> Iterator[FunctionType | None]:
    """Give a function, and what it may call, each once; None for a library's, and where it is too much.

    Args:
        value: The function, or a class, or what can be called.
        without: Functions that are passed over, with what they may call.
    """
    found = list(_called(value, ())) or [None]
    for each in found:
        yield each if len(found) <= MOST else None
        if len(found) > MOST:
            return
        if each is not None:
            called = _callees(each, _names(each))
            found += [one for one in called if one not in found and one not in without]


def _names(function: FunctionType) -> set[str]:
    return {name for code in codes(function.__code__) for name in code.co_names}


def _callees(function: FunctionType, named: Collection[str]) -> Iterator[FunctionType | None]:
    """Give what a function may call, or has called for it: by its globals, its closure and its dependencies."""
    for name in named:
        if name in function.__globals__:
            yield from _called(function.__globals__[name], named)
    for cell in function.__closure__ or ():
        yield from _called(_content(cell), named)
    for each in (*(function.__defaults__ or ()), *function.__annotations__.values()):
        for depends in (each, *getattr(each, "__metadata__", ())):
            dependency = getattr(depends, "dependency", None)  # FastAPI's Depends
            if dependency is not None:
                yield from _called(dependency, ())


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not set yet
        return None


def _called(value: Any, named: Collection[str]) -> Iterator[FunctionType | None]:
    """Give the functions of the project's that may run when something is used; None for what a library does."""
    if isinstance(value, ModuleType):
        if not _is_of_a_library(value.__name__):
            for name in named:
                found = vars(value).get(name)
                yield from () if isinstance(found, ModuleType) else _called(found, ())
        return
    value = getattr(value, "__func__", value)  # of a method
    functions = list(functions_of(value))
    kind = value if isinstance(value, type) else type(value)
    if functions:
        yield from functions
    elif _is_of_a_library(getattr(value, "__module__", None) if callable(value) else kind.__module__):
        yield from () if _is_harmless(value, kind) else (None,)
    else:
        wanted = None if value is kind else {*named, *_SPECIAL}
        yield from _methods(kind, wanted)


def _methods(kind: type, wanted: Collection[str] | None) -> Iterator[FunctionType]:
    """Give the methods of a class of the project's, or (None) all of them."""
    for each in kind.__mro__:
        for name, value in vars(each).items() if not _is_of_a_library(each.__module__) else ():
            if wanted is None or name in wanted:
                yield from functions_of(getattr(value, "fget", None) or getattr(value, "__func__", value))


def _is_harmless(value: Any, kind: type) -> bool:
    module = getattr(value, "__module__", None) or kind.__module__
    top = str(module).partition(".")[0]
    return top in _HARMLESS or top == "builtins" or top in sys.stdlib_module_names


def _is_of_a_library(module: Any) -> bool:
    file = getattr(sys.modules.get(str(module)), "__file__", None)
    return file is None or is_library(file)
