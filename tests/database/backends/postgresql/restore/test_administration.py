"""hermetic's own session, where libpq runs a statement without psycopg's cursors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from hermetic.database.backends.postgresql.restore.administration import Administration
from tests.database.backends.postgresql.restore.opened import Opened, Place


@pytest.fixture
def administration(superuser: Place) -> Iterator[Administration]:
    """A session in a database of the test's own."""
    opened = superuser.database("CREATE TABLE items (id integer)")
    yield opened.database.administration
    opened.close()


def test_texts(administration: Administration) -> None:
    """A row comes as texts, in a session that was opened again too."""
    for _ in range(2):
        assert administration.texts("SELECT %s || 'b', 1, NULL", "a") == ["ab", "1", None]
        assert administration.texts("SELECT length(%s)", "four") == ["4"]
        administration.close()


def test_what_was_prepared_is_gone(administration: Administration) -> None:
    """A statement runs, and is prepared anew, where psycopg has freed all of a session's."""
    for _ in range(2):
        assert administration.texts("SELECT length(%s)", "four") == ["4"]
        administration.run("DEALLOCATE ALL")
    assert administration.texts("SELECT length(%s)", "four") == ["4"]
    assert administration.texts("SELECT length(%s)", "three") == ["5"]
    assert administration.all("SELECT count(*) FROM pg_prepared_statements WHERE name ~ 'hermetic'") == [(1,)]


@pytest.mark.parametrize("query", ["SELECT 1 / %s::integer", "SELECT nothing FROM items WHERE id = %s"])
def test_errors(administration: Administration, query: str) -> None:
    """An error is the one that psycopg raises, and the session goes on."""
    with pytest.raises(psycopg.Error) as raised:
        administration.texts(query, "0")
    with pytest.raises(type(raised.value)) as expected:
        administration.one(query, ["0"])
    assert raised.value.diag.message_primary == expected.value.diag.message_primary
    assert administration.texts("SELECT length(%s)", "four") == ["4"]


def test_a_lost_session(administration: Administration, superuser: Place) -> None:
    """It is said why the session is lost, and another one takes its place afterwards."""
    assert administration.texts("SELECT length(%s)", "four") == ["4"]
    with superuser.superuser.connect() as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", [administration.pid])
    with pytest.raises(psycopg.OperationalError, match="terminating connection due to administrator command"):
        administration.texts("SELECT length(%s)", "four")
    assert administration.is_lost
    assert administration.texts("SELECT length(%s)", "four") == ["4"]


def test_a_lock(opened: Opened) -> None:
    """Where somebody has a lock, the statement is run again once they gave it back."""
    administration = opened.database.administration
    holder = opened.connect(autocommit=False)
    holder.execute("LOCK TABLE doubles")

    def wait(work: Callable[[], Any]) -> Any:
        holder.rollback()
        return work()

    patient = Administration(lambda: administration.connection, privileged=True, wait=wait)
    assert patient.texts("SELECT count(*) FROM doubles WHERE line <> %s", "") == ["3"]
