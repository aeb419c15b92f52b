"""An answer that is an error, in a few lines: what its body says, and of a refused input which fields, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from hermetic.events import RequestEnded
from hermetic.masking import MASK, Masking

BODY = 400
"""Characters of a body that are shown, where not everything is wanted."""

FIELDS = 8
"""Refused fields that are shown then."""

OWN_WORDS = ("value_error", "assertion_error")
"""The types of errors whose messages a validator of the project wrote: they may say the value."""


def answer_lines(ended: RequestEnded, masking: Masking, is_whole: bool) -> list[str]:
    """Return the lines of a response's body; nothing of one that is no error."""
    if ended.status < 400 or not ended.body.strip():
        return []
    fields = list(_fields(ended.body, masking))
    if not fields:
        body = " ".join(masking.body(ended.body).split())
        return [body if is_whole or len(body) <= BODY else f"{body[: BODY - 3]}..."]
    if is_whole or len(fields) <= FIELDS:
        return fields
    return [*fields[:FIELDS], f"... and {len(fields) - FIELDS} more"]


def _fields(body: str, masking: Masking) -> Iterator[str]:
    """Give the fields that FastAPI refused: ``body.email: value is not a valid email address``."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return
    errors = answer.get("detail") if isinstance(answer, Mapping) else None
    if not isinstance(errors, list) or not errors or not all(map(_is_refusal, errors)):
        return
    for error in errors:
        names = [str(each) for each in error["loc"]]
        is_secret = any(map(masking.hides, names))
        says = MASK if is_secret and error.get("type") in OWN_WORDS else masking.text(str(error["msg"]))
        yield f"{'.'.join(names)}: {says}"[:BODY]


def _is_refusal(error: Any) -> bool:
    return isinstance(error, Mapping) and isinstance(error.get("loc"), list) and "msg" in error
