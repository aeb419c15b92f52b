"""``hermetic explain``: print what an error code means, from the docstring of the error's class."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from hermetic.errors import CommandError, HermeticError


def run(code: str | None) -> int:
    """Print the explanation of a code, or the list of all.

    Args:
        code: An error's code, in any case; None for the list.

    Returns:
        The exit code.

    Raises:
        ConfigurationError: There is no such code; the message lists those that there are.
    """
    known = codes()
    if code is None:
        for name, error in known.items():
            print(f"{name}  {error.__name__}: {_summary(error)}")
        return 0
    found = known.get(code.strip().upper())
    if found is None:
        raise CommandError(f"{code!r} is no code of hermetic.", hints=(f"use one of: {', '.join(known)}",))
    print(f"{found.code}  {found.__name__}\n\n{_text(found)}")
    return 0


def codes() -> dict[str, type[HermeticError]]:
    """Return every error class by its code, in the codes' order."""
    return dict(sorted((error.code, error) for error in _family(HermeticError)))


def _family(error: type[HermeticError]) -> Iterator[type[HermeticError]]:
    yield error
    for child in error.__subclasses__():
        if "code" in vars(child):
            yield from _family(child)


def _text(error: type[HermeticError]) -> str:
    return inspect.cleandoc(error.__doc__ or "")


def _summary(error: type[HermeticError]) -> str:
    return _text(error).partition("\n")[0]
