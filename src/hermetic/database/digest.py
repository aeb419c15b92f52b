"""A short name for what something depends on."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256


def digest(texts: Iterable[str]) -> str:
    """Return a short name for these texts, in this order."""
    hashed = sha256()
    for text in texts:
        hashed.update(text.encode("utf-8", "surrogatepass"))
        hashed.update(b"\0")
    return hashed.hexdigest()[:16]
