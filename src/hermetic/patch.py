"""A function of a library's replaced by one of ours for a while, and put back.

Others replace functions, too, and not all of them undo that in the reverse order. So what is there is put back only
where ours is the one that stands there; below another one ours stays, and asks ``is_on`` to know that it is to do
nothing more of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


class Patch:
    """One function that is replaced, from the moment this is made until ``undo``.

    Args:
        holder: The class or the module that has it.
        name: Its name there.
        wrap: Makes ours, of this.

    Attributes:
        original: The one that was there.
        is_on: Whether it was not undone yet.
    """

    def __init__(self, holder: Any, name: str, wrap: Callable[[Patch], Callable[..., Any]]) -> None:
        self.is_on = True
        self.original: Any = getattr(holder, name)
        self._holder = holder
        self._name = name
        self._ours = functools.wraps(self.original)(wrap(self))
        setattr(holder, name, self._ours)

    def undo(self) -> None:
        """Put back what was there, unless somebody has replaced ours since; do nothing the second time."""
        if self.is_on and getattr(self._holder, self._name) is self._ours:
            setattr(self._holder, self._name, self.original)
        self.is_on = False
