"""The embedded server with either kind of rights, and on it a worker database for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hermetic.database.backends.postgresql.server.instance import Instance
from hermetic.database.engines import install
from tests.database.backends.postgresql.restore.opened import WORLD, Opened, Place, plain_place


@pytest.fixture(scope="session")
def superuser(instance: Instance) -> Iterator[Place]:
    """The server, where hermetic may do anything."""
    place = Place("superuser", instance, instance)
    yield place
    place.stop()


@pytest.fixture(scope="session")
def plain(instance: Instance) -> Iterator[Place]:
    """The same, where hermetic's role may make databases and no more."""
    place = plain_place(instance)
    yield place
    place.stop()
    place.instance.stop()


@pytest.fixture(params=["superuser", "plain"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """A server, with either kind of rights."""
    found: Place = request.getfixturevalue(request.param)
    found.pools.replaced.clear()
    yield found


@pytest.fixture
def world(place: Place) -> Iterator[Opened]:
    """A worker database that holds one of everything."""
    with place.lent(WORLD) as lent:
        yield lent


@pytest.fixture
def opened(superuser: Place) -> Iterator[Opened]:
    """A worker database that every engine of the process ends on."""
    with superuser.lent(WORLD) as lent:
        installation = install(lambda request: lent.database)
        superuser.pools.replace = installation.invalidate
        yield lent
        installation.uninstall()
        superuser.pools.replace = lambda database, connections: None
