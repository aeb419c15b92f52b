"""What is never shown: one rule for names, wherever the value stands."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from sqlalchemy import make_url

from hermetic.masking import Masking, masked

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


DRIVERS = (
    'null value in column "x" violates not-null constraint\nDETAIL:  Failing row contains (1, (a), hunter2).',
    "invalid input for query argument $2: 'hunter2' ('str' object cannot be interpreted as an integer)",
    "(1062, \"Duplicate entry 'hunter2' for key 'users.api_token'\")",
    "Key (lower(api_key::text))=(hunter2) already exists.",
    "alter role shop with password 'hunter2'",
    "CREATE USER a IDENTIFIED BY 'hunter2'",
    "CREATE USER a IDENTIFIED WITH caching_sha2_password BY 'hunter2'",
    "[SQL: INSERT INTO users (name, password) VALUES (?, ?)]\n[parameters: ('ada', 'hunter2')]",
    "1 validation error for Login\npassword\n  Too long [type=too_long, input_value='hunter2', input_type=str]",
    'syntax error at or near "hunter2"',
    'unterminated quoted string at or near "\'hunter2 where"\nLINE 1: ...',
    'invalid input syntax for type integer: "a"hunter2"',
    'invalid input value for enum color: "hunter2"',
    '(sqlite3.OperationalError) near "hunter2": syntax error',
    'unrecognized token: "\'hunter2"',
    "You have an error in your SQL syntax; use near 'hunter2' at line 1",
)
"""What drivers, SQLAlchemy and pydantic say of a value, some of them without its column."""


@pytest.mark.parametrize("text", DRIVERS)
def test_what_drivers_say(text: str) -> None:
    """A value whose column is secret, or not told, is masked; the rest of the sentence stays."""
    masked = MASKING.text(text)
    assert SECRET not in masked and "***" in masked
    assert masked[:15] == text[:15]
    assert SECRET not in MASKING.text(text.partition("hunter2")[0] + "hunter2")


@pytest.mark.parametrize(
    "text",
    [
        "{'credentials': {'user': 'a}', 'value': 'hunter2'}}",
        "{'tokens': ['a', 'hunter2'], 'b': 1}",
        '{\\"password\\": \\"hunter2\\", \\"b\\": 1}',
        "Settings(secret_key=SecretStr('hunter2'), b=1)",
        "password=ab(hunter2",
        "https://hunter2@git.example.com/x",
        "https://a/?next=https%3A%2F%2Fb%2F%3Ftoken%3Dhunter2%26b%3D1",
    ],
)
def test_values_with_brackets(text: str) -> None:
    """All of what a secret name stands before, up to the bracket that closes it; and what is written in URLs."""
    assert SECRET not in MASKING.text(text)


def test_what_is_no_secret_of_drivers() -> None:
    """It stays: a duplicate of a column that is none, parameters of a statement that names none."""
    for text in (
        "(1062, \"Duplicate entry 'ada' for key 'users.name'\")",
        "[SQL: INSERT INTO users (name) VALUES (?)]\n[parameters: ('ada',)]",
        "1 validation error for User\nname\n  Too long [type=too_long, input_value='ada', input_type=str]",
        "https://db.example.com/a@b?name%3Dada",
        'syntax error at or near "FROM"',
        'syntax error at or near ")"',
    ):
        assert MASKING.text(text) == text


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE USER a IDENTIFIED BY 'hunter2'",
        'UPDATE users SET password = "hunter2"',
        "SELECT crypt('hunter2', gen_salt('bf'))",
        "UPDATE users SET token = E'a\\'hunter2'",
    ],
)
def test_literals(sql: str) -> None:
    """Those of functions that encrypt, in double quotes, and with a quote that is escaped."""
    assert SECRET not in MASKING.statement(sql)


def test_json_pairs_and_sentences() -> None:
    """A header as a pair, and a sentence that repeats what stands masked beside it."""
    assert MASKING.json([["Authorization", "hunter2"], ["a", "b"]]) == [["Authorization", "***"], ["a", "b"]]
    refused = {"loc": ["body", "password"], "msg": "hunter2 is too weak", "input": "hunter2"}
    assert MASKING.json(refused) == {**refused, "msg": "*** is too weak", "input": "***"}
    assert (
        MASKING.query("pass%77ord=hunter2&next=/%3Ftoken%3Dhunter2") == "pass%77ord=***&next=/%3Ftoken%3D***"
    )


@pytest.mark.parametrize("end", ["\r\n", "\n", "\\r\\n"])
@pytest.mark.parametrize("name", ['"password"', "password", '"api_key"; filename="key.pem"'])
def test_multipart_bodies(name: str, end: str) -> None:
    """The value of a secret field, and no other; line ends may be escaped, and the end may be cut off."""
    first = f"--b{end}Content-Disposition: form-data; name={name}{end}{end}hunter2"
    other = f'--b{end}Content-Disposition: form-data; name="user"{end}{end}ann{end}--b--'
    text = MASKING.text(f"{first}{end}{other}")
    assert SECRET not in text
    assert other in text
    assert SECRET not in MASKING.text(first)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "part",
    [
        'name="x" ',
        "name=x\r\n\r\n",
        'at or near "',
        "(",
        "password={",
        "[SQL: ",
        "token%3",
        "Duplicate entry '",
        "Key ((",
        "a=[",
    ],
)
def test_hostile_texts(part: str) -> None:
    """What begins many times and never ends is looked at in a moment."""
    Masking().text(part * 1_000)


def test_a_long_word_is_looked_at_once() -> None:
    """A body without spaces: to begin anew at each of its letters would take minutes."""
    assert Masking().text("x" * 100_000 + "=1") == "x" * 100_000 + "=1"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:secret@h/d", "postgresql://u:***@h/d"),
        (
            "postgresql://u@h/d?password=secret&sslmode=require",
            "postgresql://u@h/d?password=***&sslmode=require",
        ),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
    ],
)
def test_no_password_of_a_url_is_shown(url: str, shown: str) -> None:
    """Wherever it stands in the URL."""
    assert masked(make_url(url)) == shown


def test_no_pattern_is_compiled_before_it_is_needed() -> None:
    """All of them would be in each run's start."""
    code = "import dataclasses, json, re, urllib.parse; re.compile = None; import hermetic.masking"
    subprocess.run([sys.executable, "-c", code], check=True)
