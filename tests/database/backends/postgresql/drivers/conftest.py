"""A worker database on the embedded server, and the rules that bring every driver of the process there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hermetic.database.backends.postgresql.server.instance import Instance
from hermetic.database.drivers import Drivers
from hermetic.database.in_use import RawConnections
from tests.database.backends.postgresql.restore.opened import Opened, Place

ELSEWHERE = "postgresql://somebody:secret@db.example:6432/production"
"""What an application's settings say; no packet of these tests ever goes there."""


@pytest.fixture(scope="session")
def place(instance: Instance) -> Iterator[Place]:
    """The server, where hermetic may do anything."""
    place = Place("superuser", instance, instance)
    yield place
    place.stop()


@pytest.fixture
def opened(place: Place) -> Iterator[Opened]:
    """A worker database."""
    made = place.database()
    made.database.ensure()
    yield made
    made.close()


@pytest.fixture
def drivers(opened: Opened) -> Iterator[Drivers]:
    """Every driver's connection goes to that database."""
    installed = Drivers(
        lambda request: opened.database,
        lambda request: None,
        lambda url, folder: False,
        Path(__file__).parent,
    )
    installed.install()
    yield installed
    installed.uninstall()


@pytest.fixture
def raw(opened: Opened) -> RawConnections:
    """What drivers of the project's own have open there."""
    return opened.database.raw
