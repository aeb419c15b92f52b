"""Values that several verbs take."""

from __future__ import annotations


def seconds(text: str) -> float:
    """Return a limit of time.

    Raises:
        ValueError: It is none.
    """
    number = float(text)
    if not 0 < number < float("inf"):
        raise ValueError
    return number
