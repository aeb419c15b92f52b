"""Connections of psycopg2 go where the rules say and are known there, whatever makes them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2  # type: ignore[import-untyped]
import pytest
from psycopg2 import extensions, extras

from hermetic.database.in_use import RawConnections
from hermetic.owners import Owner, owned_by
from tests.database.backends.postgresql.drivers.conftest import ELSEWHERE
from tests.database.backends.postgresql.restore.opened import Opened

connection_of_before = extensions.connection

pytestmark = pytest.mark.usefixtures("drivers")


def one_value(connection: Any, query: str) -> Any:
    """Return the one value that a query brings."""
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


class OfTheProject(connection_of_before):  # type: ignore[misc, valid-type]
    """Goes where it likes."""

    def __init__(self, dsn: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(ELSEWHERE, *args, **kwargs)


def _by_a_function(dsn: str, *args: Any, **kwargs: Any) -> Any:
    return extensions.connection(ELSEWHERE)


WAYS: dict[str, Callable[[], Any]] = {
    "words": lambda: psycopg2.connect(host="db.example", dbname="production", sslmode="verify-full"),
    "dsn": lambda: psycopg2.connect(ELSEWHERE),
    "a class": lambda: psycopg2.connect("", connection_factory=OfTheProject),
    "a class of psycopg2's": lambda: psycopg2.connect(ELSEWHERE, connection_factory=extras.LoggingConnection),
    "a function": lambda: psycopg2.connect("", connection_factory=_by_a_function),
    "the class itself": lambda: extensions.connection(ELSEWHERE),
}


@pytest.mark.parametrize("connect", WAYS.values(), ids=WAYS)
def test_it_ends_on_the_worker_database(connect: Callable[[], Any], opened: Opened) -> None:
    """It does so before anything is sent."""
    with closing(connect()) as connection:
        assert connection.info.dbname == opened.database.name
        assert isinstance(connection, extensions.connection)


def test_a_connection_is_known_by_its_owner_and_line(raw: RawConnections) -> None:
    """Who opened it, where, for what URL, and what it does now."""
    owner = Owner("test_it", "test", "function")
    with owned_by(owner):
        connection = psycopg2.connect(ELSEWHERE)
    (one,) = raw.all()
    assert (one.connection, one.owner, one.is_replaceable) == (connection, owner, False)
    assert Path(one.location.file) == Path(__file__)
    assert one.asked == "postgresql://somebody@db.example:6432/production"
    assert one.is_idle
    assert one.pid == one_value(connection, "SELECT pg_backend_pid()")
    assert not one.is_idle
    one.end()
    assert raw.all() == []
