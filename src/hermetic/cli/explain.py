"""``hermetic explain``: print what a code means: of an error, from its class's docstring, or of a cause of failures."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from hermetic.causes import Cause, causes
from hermetic.errors import CommandError, HermeticError

Explained = type[HermeticError] | Cause


def run(code: str | None) -> int:
    """Print the explanation of a code, or the list of all.

    Args:
        code: A code, in any case; None for the list.

    Returns:
        The exit code.

    Raises:
        ConfigurationError: There is no such code; the message lists those that there are.
    """
    known = codes()
    if code is None:
        for name, error in known.items():
            print(f"{name}  {_title(error)}")
        return 0
    found = known.get(code.strip().upper())
    if found is None:
        raise CommandError(f"{code!r} is no code of hermetic.", hints=(f"use one of: {', '.join(known)}",))
    name = found.name if isinstance(found, Cause) else found.__name__
    print(f"{found.code}  {name}\n\n{_text(found)}")
    return 0


def codes() -> dict[str, Explained]:
    """Return every error class, and every cause, by its code, in the codes' order."""
    errors: dict[str, Explained] = {error.code: error for error in _family(HermeticError)}
    return dict(sorted((errors | causes()).items()))


def _family(error: type[HermeticError]) -> Iterator[type[HermeticError]]:
    yield error
    for child in error.__subclasses__():
        if "code" in vars(child):
            yield from _family(child)


def _text(explained: Explained) -> str:
    text = explained.text if isinstance(explained, Cause) else explained.__doc__
    return inspect.cleandoc(text or "")


def _title(explained: Explained) -> str:
    if isinstance(explained, Cause):
        return explained.name
    first = _text(explained).partition("\n")[0]
    return f"{explained.__name__}: {first}"
