"""What an extension has, and the database not, is named with the extension and the setting that makes it."""

from __future__ import annotations

import pytest

from hermetic.explain.history import History
from tests.explain.failing import said


@pytest.mark.parametrize(
    ("message", "what", "extension"),
    [
        ("function uuid_generate_v4() does not exist", "function uuid_generate_v4", "uuid-ossp"),
        ("function public.crypt(text, text) does not exist", "function crypt", "pgcrypto"),
        ('type "citext" does not exist', "type citext", "citext"),
        (
            'operator class "gin_trgm_ops" does not exist for access method "gin"',
            "operator class gin_trgm_ops",
            "pg_trgm",
        ),
        ("type public.vector does not exist", "type vector", "vector"),
    ],
)
def test_what_an_extension_has(message: str, what: str, extension: str) -> None:
    """A function, a type, an operator class, with a schema and without."""
    text = said(RuntimeError(f"(UndefinedObject) {message}"), History())
    assert f"The {what} is of the extension {extension}, and nobody has made that" in text
    assert f"change: hermetic_extensions = {extension} in the ini file" in text
    assert f'CREATE EXTENSION IF NOT EXISTS "{extension}"' in text
    assert ("change: gen_random_uuid() in its place" in text) is (extension == "uuid-ossp")
    assert "[HM817]" in text


@pytest.mark.parametrize(
    "message", ['type "order_state" does not exist', "function total(integer) does not exist", "no"]
)
def test_what_is_the_project_s_own(message: str) -> None:
    """Of a type or a function that no extension has nothing is said."""
    assert "HM817" not in said(RuntimeError(message), History())
