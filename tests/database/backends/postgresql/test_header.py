"""What a run says of its PostgreSQL server."""

from __future__ import annotations

from pathlib import Path

from hermetic.database.backends.postgresql.header import announced_lines, announcement, facts_lines
from hermetic.database.backends.postgresql.server import Facts
from hermetic.database.backends.postgresql.server.declared_version import Named
from hermetic.database.backends.postgresql.server.describe import Announced
from hermetic.settings import Settings

NAMED = Named(16, "compose.yaml:3 (postgres:16)")
WARNING = (
    "warning: the tests run on PostgreSQL 18, but compose.yaml:3 (postgres:16) says 16;"
    " hermetic_postgresql = /path/to/bin or a URL brings another server"
)


def test_a_server_is_announced() -> None:
    """What was chosen, and the warning where it is another version than production's."""
    assert announced_lines(Announced("embedded", 18), NAMED) == [
        "postgresql: embedded 18, started when a test first needs it",
        WARNING,
    ]
    assert announced_lines(Announced("embedded", 16), NAMED) == [
        "postgresql: embedded 16, started when a test first needs it"
    ]


def test_a_missing_server_is_said() -> None:
    """It may not be needed."""
    assert announced_lines(None, None) == ["postgresql: no server was found yet"]


def test_a_server_by_its_url_is_announced(tmp_path: Path) -> None:
    """Without a password, and nothing is asked of it."""
    assert announcement(Settings(postgresql="postgresql://me:secret@h/d"), tmp_path) == [
        "postgresql: postgresql://me:***@h/d, started when a test first needs it"
    ]


def test_facts_of_a_server_that_was_used() -> None:
    """Version, source, how texts are ordered."""
    facts = Facts(180006, "embedded 18.6", "C.UTF-8 (builtin)", True, 300)
    assert facts_lines(facts, "hermetic_admin", None) == [
        "postgresql: embedded 18.6, locale C.UTF-8 (builtin)"
    ]
    assert facts_lines(facts, "hermetic_admin", NAMED)[1:] == [WARNING]


def test_a_role_that_is_no_superuser_is_told() -> None:
    """With what that changes."""
    facts = Facts(160001, "postgresql://me@db/app (16.1)", "en_US.UTF-8", False, 100)
    assert facts_lines(facts, "me", NAMED) == [
        "postgresql: postgresql://me@db/app (16.1), locale en_US.UTF-8",
        "the role 'me' is no superuser: dirty tables are emptied in foreign-key order,"
        " and changes of the schema are found by comparing the catalog",
    ]
