"""Decide about colours: on a terminal, unless ``NO_COLOR`` (https://no-color.org) is set to anything."""

from __future__ import annotations

import os
from typing import TextIO


def is_wanted(stream: TextIO) -> bool:
    """Whether to colour what is written to a stream."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def red(text: str, stream: TextIO) -> str:
    """Return text in red on ``stream``, if it can show that."""
    return f"\033[1;31m{text}\033[0m" if is_wanted(stream) else text
