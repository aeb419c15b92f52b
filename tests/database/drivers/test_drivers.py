"""A driver's seam is there whenever the driver is imported, costs nothing where it is not, and says what it misses."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest

from hermetic.database.driver_seams import Patch, Rules, found
from hermetic.database.drivers import Seams
from hermetic.database.drivers.earlier import EarlierFiles
from hermetic.database.drivers.rules import DriverRules
from hermetic.database.engines.destinations import EngineRequest
from hermetic.database.in_use import RawConnections
from hermetic.errors import ConfigurationError
from tests.importing import importable

LATE = """
import sys
from pathlib import Path
from hermetic.database.drivers import Drivers

drivers = Drivers(lambda request: 1 / 0, lambda request: None, lambda url, folder: False, Path("/nowhere"))
drivers.install()
assert not {"asyncpg", "psycopg", "psycopg2", "psycopg_pool"} & set(sys.modules)
import asyncpg, psycopg, psycopg2, psycopg_pool
for connect in (lambda: psycopg.connect("host=db.example"), lambda: psycopg2.connect("host=db.example")):
    try:
        connect()
    except ZeroDivisionError:
        print("asked")
print(asyncpg.connect_utils._connect.__wrapped__.__name__)
drivers.uninstall()
"""


def test_a_driver_that_is_imported_later() -> None:
    """Whoever imports it has it with its seam; until then nothing is loaded."""
    done = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["asked", "asked", "_connect"], done.stderr


def not_asked(request: EngineRequest) -> NoReturn:
    """Stand for the rules where no connection is opened."""
    raise AssertionError(request)


def test_a_module_is_patched_once_it_was_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is as it was when the run is over; other modules, and one that does not exist, are left alone."""

    def put(module: ModuleType, rules: Rules, patch: Patch) -> None:
        patch(module, "connect", "ours")

    earlier = EarlierFiles(tmp_path)
    rules = DriverRules(not_asked, lambda request: None, lambda url, folder: False, tmp_path, earlier)
    seams = Seams(rules, {"late_driver": put, "no_driver": put})
    (tmp_path / "late_driver.py").write_text("connect = 'its own'\n")
    (tmp_path / "another.py").write_text("connect = 'its own'\n")
    with importable(tmp_path, monkeypatch):
        seams.install()
        module, another = importlib.import_module("late_driver"), importlib.import_module("another")
        assert (module.connect, another.connect) == ("ours", "its own")
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("no_driver")
        seams.uninstall()
        assert module.connect == "its own"


def test_a_version_that_lacks_what_is_patched() -> None:
    """It is named, and so is what it lacks."""
    driver = ModuleType("driver")
    driver.__dict__["__version__"] = "9.1"
    with pytest.raises(ConfigurationError, match=r"driver 9\.1 has no driver\._connect"):
        found(driver, driver, "_connect")


def test_nothing_is_open_at_first() -> None:
    """Nor does a process of the server's side, or a pool, mean anything then."""
    connections = RawConnections()
    assert connections.all() == []
    assert connections.by_pid(1) is None
    assert connections.of(object()) is None
