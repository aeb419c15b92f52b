"""One audit hook a process, for all who want to hear of something.

Python calls each hook at each event, of which a small test causes 150: to ask an object for its number is one, and to
ask a function for its code. A hook cannot be taken away again either. So there is one, made when somebody first asks,
and it looks up the event's name and does nothing more where nobody listens for that.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

Listener = Callable[..., object]
"""Called with the arguments of the event; what it raises is raised where the event was caused."""

_listeners: dict[str, tuple[Listener, ...]] = {}
_lock = threading.Lock()
"""Held by whoever changes that: databases are built in several threads."""


def listen(event: str, listener: Listener) -> None:
    """Have a listener called at each event of this name, in whatever thread."""
    with _lock:
        _listeners[event] = (*_listeners.get(event, ()), listener)
        _install()


def ignore(event: str, listener: Listener) -> None:
    """Have it called no longer."""
    with _lock:
        left = tuple(each for each in _listeners[event] if each != listener)
        if left:
            _listeners[event] = left
        else:
            del _listeners[event]


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _listeners:
        for listener in _listeners.get(event, ()):  # another thread may have ended the last one's
            listener(*arguments)


_hear.__cantrace__ = True  # type: ignore[attr-defined]  # debuggers and coverage see it


@cache
def _install() -> None:
    sys.addaudithook(_hear)
