"""The benchmark of the restore on PostgreSQL: that every way it compares runs, and brings the baseline back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.postgresql_restore import many_restores, many_rows, measure, report, server
from hermetic.database.backends.postgresql.server.host import PostgresqlHost


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresqlHost]:
    """A server of hermetic's."""
    with server(tmp_path_factory.mktemp("project")) as host:
        yield host


def test_every_way_back_is_measured_and_told(host: PostgresqlHost) -> None:
    """The round that warms up and one more, with one table and few rows; a way that did not restore would raise."""
    ways, big, flat = measure(host, 1, 5), many_rows(host, 1, 20), many_restores(host, 10, 1)
    assert [len(way.us) for way in ways] == [5 * 5] * 5 + [1] * 5
    assert [len(way.us) for way in big] == [5, 5]
    assert len(flat) == 10
    text = report({1: ways}, big, flat, 1, 20, 10).text
    assert "| way back | 1 tables |" in text
    assert all(f"| {way.title} |" in text for way in ways)
