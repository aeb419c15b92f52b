"""Which database a URL means."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import URL, make_url

from hermetic.database.address import address_of, in_memory_among, is_in_memory
from hermetic.database.backend import Address

names = st.text("abcdefghijklmnopqrstuvwxyzABC_-0123456789 äß%?#", min_size=1, max_size=12)
hosts = st.sampled_from(["localhost", "127.0.0.1", "::1", "", None])


def same(*urls: str) -> bool:
    """Whether all URLs mean one database."""
    return len({address_of(make_url(url)) for url in urls}) == 1


@given(
    name=names,
    drivers=st.lists(st.sampled_from(["", "+asyncpg", "+psycopg", "+psycopg2"]), min_size=2, max_size=2),
    users=st.lists(st.none() | names, min_size=2, max_size=2),
    here=st.lists(hosts, min_size=2, max_size=2),
    ports=st.lists(st.sampled_from([None, 5432]), min_size=2, max_size=2),
)
def test_one_server_database_has_many_urls(
    name: str,
    drivers: list[str],
    users: list[str | None],
    here: list[str | None],
    ports: list[int | None],
) -> None:
    """Driver, user, password, the name of this machine and the default port make no difference."""
    one, two = (
        URL.create(f"postgresql{drivers[i]}", users[i], users[i], here[i], ports[i], name) for i in (0, 1)
    )
    assert address_of(one) == address_of(two)


@given(name=names, other=names)
def test_names_tell_databases_apart(name: str, other: str) -> None:
    """Two URLs of different names mean one database only where the names are the same."""
    one, two = (URL.create("mysql+aiomysql", host="db", database=each) for each in (name, other))
    assert (address_of(one) == address_of(two)) is (name == other)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("postgresql://db/app", "postgresql://db:5433/app"),
        ("postgresql://db/app", "postgresql://replica/app"),
        ("postgresql://db/app", "mysql://db/app"),
        ("postgresql:///app", "postgresql:///app?host=/var/run/postgresql"),
        ("sqlite:///app.db", "sqlite:///other.db"),
        ("sqlite://", "sqlite:///file:shared?mode=memory&uri=true"),
        ("sqlite://", "sqlite:///file::memory:?cache=shared&uri=true"),
        ("sqlite:///file:x?mode=memory&uri=true", "sqlite:///file:x?mode=memory&cache=shared&uri=true"),
        ("sqlite:///memory", "sqlite:///:memory:"),
    ],
)
def test_different_databases(one: str, two: str) -> None:
    """Host, port, backend, socket folder and file tell databases apart."""
    assert not same(one, two)


@pytest.mark.parametrize(
    "urls",
    [
        ("postgresql://db/app", "postgresql://DB:5432/app", "postgres://u:p@db/app"),
        ("postgresql://db/app", "postgresql:///app?host=db&port=5432"),
        ("postgresql:///app?host=other&host=db", "postgresql://db/app"),
        ("postgresql://me@db", "postgresql://me@db/me"),
        ("mysql://db/app", "mariadb+asyncmy://db:3306/app"),
        ("cockroachdb://db/app", "cockroachdb+asyncpg://db/app"),
        (
            "sqlite://",
            "sqlite:///:memory:",
            "sqlite+aiosqlite:///:memory:",
            "sqlite:///file::memory:?uri=true",
        ),
        ("sqlite:///app.db", "sqlite+aiosqlite:///./app.db", "sqlite:///x/../app.db"),
        ("sqlite:///app.db", "sqlite:///file:app.db?uri=true", "sqlite:///file:app.db?mode=ro&uri=true"),
        ("sqlite:////a/b%20c.db", "sqlite:///file:/a/b%2520c.db?uri=true"),
        (
            "sqlite:////a/b.db",
            "sqlite:///file:///a/b.db?uri=true",
            "sqlite:///file://localhost/a/b.db?uri=true",
        ),
        ("sqlite:///file:/name?vfs=memdb&uri=true", "sqlite+aiosqlite:///file:/name?uri=true&vfs=memdb"),
    ],
)
def test_the_same_database(urls: tuple[str, ...]) -> None:
    """Many ways to write one database."""
    assert same(*urls)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite://", True),
        ("sqlite+aiosqlite:///:memory:", True),
        ("sqlite:///file:name?mode=memory&cache=shared&uri=true", True),
        ("sqlite:///file:/name?vfs=memdb&uri=true", True),
        ("sqlite:///app.db", False),
        ("sqlite:///file:app.db?mode=ro&uri=true", False),
        ("postgresql:///:memory:", False),
    ],
)
def test_in_memory(url: str, expected: bool) -> None:
    """A database is in memory where no file holds it."""
    assert is_in_memory(make_url(url)) is expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite+aiosqlite:///file:name?mode=memory&cache=shared&uri=true", True),
        ("sqlite:///file::memory:?cache=shared&uri=true", True),
        ("sqlite:///file:/name?vfs=memdb&uri=true", True),
        ("sqlite:///file:name?vfs=memdb&uri=true", False),
        ("sqlite:///file:name?mode=memory&uri=true", False),
        ("sqlite:///:memory:?cache=shared", False),
        ("sqlite://", False),
    ],
)
def test_what_is_shared(url: str, expected: bool) -> None:
    """Connections share a database in memory by a name, in a URI, with a shared cache or the memdb VFS."""
    address = address_of(make_url(url))
    assert (address.in_memory, address.shared) == (True, expected)


def test_the_databases_in_memory_among_texts() -> None:
    """Texts that are no URLs, and the URLs of files and servers, are left out."""
    texts = [
        "sqlite://",
        "sqlite+aiosqlite:///:memory:",
        "sqlite:///app.db",
        "sqlite",
        "sqlite://a:b/c",
        "x",
        "",
    ]
    assert in_memory_among(texts) == {address_of(make_url("sqlite://"))}


def test_one_url_in_memory_that_is_given_twice() -> None:
    """Two variables that hold it mean two databases, unless it names one that connections share."""
    shared = "sqlite:///file:jobs?mode=memory&cache=shared&uri=true"
    texts = ["sqlite://", "sqlite://", shared, shared]
    assert in_memory_among(texts) == {address_of(make_url(shared))}


def test_an_inline_query() -> None:
    """A ``file:`` URI may carry its query within the database's name."""
    url = URL.create("sqlite", database="file:name?mode=memory", query={"uri": "true"})
    assert address_of(url) == Address("sqlite", "name", in_memory=True)


@given(parts=st.lists(st.sampled_from(["a", "b", ".", ".."]), min_size=1, max_size=6))
def test_relative_paths_start_in_a_folder(parts: list[str]) -> None:
    """A relative path means the file that it would be in that folder."""
    path = "/".join([*parts, "app.db"])
    found = address_of(URL.create("sqlite", database=path), "/srv/project")
    assert found.name == os.path.normpath(f"/srv/project/{path}")
    assert found == address_of(URL.create("sqlite", database=found.name), "/elsewhere")


def test_links_are_followed(tmp_path: Path) -> None:
    """A file has one address, whichever link leads to it."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    one, two = (URL.create("sqlite", database=str(tmp_path / each / "app.db")) for each in ("real", "link"))
    assert address_of(one) == address_of(two)
