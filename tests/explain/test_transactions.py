"""What was written, each with the end of its transaction: the next one of its connection."""

from __future__ import annotations

from hermetic.code import UNKNOWN
from hermetic.events import Event
from hermetic.events.database import Statement, TransactionEnded
from hermetic.explain.transactions import writes
from tests.explain.failing import TEST


def ran(text: str, connection: int, error: str = "") -> Statement:
    """Return a statement."""
    return Statement(TEST, UNKNOWN, "sqlite://", connection, text, "", 1, 0.001, error)


def ended(connection: int, how: str) -> TransactionEnded:
    """Return an end."""
    return TransactionEnded(TEST, UNKNOWN, "sqlite://", connection, how)


TOLD: list[Event] = [
    ended(1, "commit"),
    ran("INSERT INTO users VALUES (1)", 1),
    ran("SELECT * FROM users", 1),
    ran("DELETE FROM books", 2),
    ended(1, "rollback"),
    ran("UPDATE users SET id = 2", 1),
    ended(1, "commit"),
    ran("INSERT INTO users VALUES (1)", 2, error="IntegrityError"),
]


def test_writes_with_the_ends_of_their_transactions() -> None:
    """In order; what only read or failed is not among them."""
    found = writes(TOLD)
    assert [(each.write.verb, each.write.table) for each in found] == [
        ("INSERT", "users"),
        ("DELETE", "books"),
        ("UPDATE", "users"),
    ]
    assert [(each.begin, each.end) for each in found] == [(1, 4), (3, len(TOLD)), (5, 6)]
    assert [each.ended and each.ended.how for each in found] == ["rollback", None, "commit"]


def test_when_a_write_is_pending() -> None:
    """After it, and before its transaction ends."""
    inserted = writes(TOLD)[0]
    assert [at for at in range(len(TOLD)) if inserted.is_pending(at)] == [2, 3]
