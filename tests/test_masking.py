"""What is never shown: one rule for names, wherever the value stands."""

from __future__ import annotations

import json

import pytest

from hermetic.masking import Masking

MASKING = Masking(names=("pesel",))
SECRET = "hunter2"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "password",
            "hashed_password",
            "passwordHash",
            "PGPASSWORD",
            "client_secret",
            "X-Api-Key",
            "apiKey",
        ),
        *(
            "Authorization",
            "Set-Cookie",
            "refresh_token",
            "csrftoken",
            "private-key",
            "pin",
            "otp",
            "pesel_no",
        ),
    ],
)
def test_secret_names(name: str) -> None:
    """A name is compared without its case and its separators; the project's own words count, too."""
    assert MASKING.hides(name)


@pytest.mark.parametrize("name", ["name", "email", "compass", "author", "shipping", "pinned", "status"])
def test_names_that_are_not(name: str) -> None:
    """Short words count only where they are the whole name."""
    assert not MASKING.hides(name)


@pytest.mark.parametrize(
    "text",
    [
        "connection to postgresql+asyncpg://shop:hunter2@db/shop failed",
        "postgres://shop:with@hunter2@db/shop",
        "invalid dsn: host=db password=hunter2 dbname=shop",
        "invalid dsn: password='hunter2 x' dbname=shop",
        "postgresql://db/shop?sslpassword=hunter2&x=1",
        "Key (email, password_hash)=(a@b.c, hunter2) already exists.",
        "Authorization: Bearer hunter2",
        "Authorization: hunter2 and more",
        "Cookie: theme=dark; session=hunter2",
        "headers [(b'authorization', b'hunter2')]",
        "{'cookie': 'a=hunter2'}",
        "login failed with Bearer hunter2",
        "got eyJhbGciOi.hunter2.x",
        "message: token=hunter2",
        "tokens['access_token'] = 'hunter2'",
        "<apiKey>hunter2</apiKey>",
        "pesel: hunter2",
    ],
)
def test_texts(text: str) -> None:
    """What stands beside a secret name, in whatever form drivers and libraries write it."""
    masked = MASKING.text(text)
    assert SECRET not in masked
    assert "***" in masked
    assert MASKING.text(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "UNIQUE constraint failed: users.name",
        'password authentication failed for user "ada"',
        "Key (email)=(a@b.c) already exists.",
        "connection to postgresql://db:5432/shop failed",
        "column users.name is null",
    ],
)
def test_texts_that_stay(text: str) -> None:
    """Where there is nothing secret a text is left as it is."""
    assert MASKING.text(text) == text


def test_json() -> None:
    """By its keys, however deep, and by the texts in it; a refused value by the name of its field."""
    body = {
        "user": {"name": "Ada", "password": SECRET, "keys": [{"api_key": [SECRET]}]},
        "errors": [{"loc": ["body", "password"], "input": SECRET}, {"field": "name", "input": "Ada"}],
        "detail": f"token={SECRET}",
    }
    masked = MASKING.body(json.dumps(body))
    assert SECRET not in masked
    assert json.loads(masked)["user"]["name"] == "Ada"
    assert json.loads(masked)["errors"][1]["input"] == "Ada"


def test_json_that_was_cut() -> None:
    """Nothing behind a secret name is shown: nobody knows where its value ends."""
    masked = MASKING.body('{"name": "Ada", "password": {"of": ["hunter2')
    assert masked == '{"name": "Ada", "password ***'
    assert MASKING.body('{"name": "Ada') == '{"name": "Ada'


def test_a_body_that_is_no_json() -> None:
    """It is a text."""
    assert MASKING.body("token=hunter2&name=Ada") == "token=***&name=Ada"


def test_a_query() -> None:
    """By its names; a name without a value stays."""
    assert MASKING.query("a=1&access_token=hunter2&flag") == "a=1&access_token=***&flag"


def test_a_statement() -> None:
    """Its literals are masked where it names something secret, and stay elsewhere."""
    assert MASKING.statement("UPDATE u SET password_hash='hunter2', n='it''s'") == (
        "UPDATE u SET password_hash='***', n='***'"
    )
    assert MASKING.statement("SELECT * FROM u WHERE name = 'Ada'") == "SELECT * FROM u WHERE name = 'Ada'"
    assert SECRET not in MASKING.statement("ALTER ROLE a PASSWORD $$hunter2$$")


def test_a_long_word_is_looked_at_once() -> None:
    """A body without spaces: to begin anew at each of its letters would take minutes."""
    assert Masking().text("x" * 100_000 + "=1") == "x" * 100_000 + "=1"
