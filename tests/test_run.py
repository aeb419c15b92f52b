"""One run, driven as the plugin drives it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from hermetic.errors import ConfigurationError
from hermetic.run import NEVER, Run
from hermetic.settings import Settings
from tests.importing import importable

APP = "from fastapi import FastAPI\n\napp = FastAPI()\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the import path; what is imported from it is forgotten afterwards."""
    with importable(tmp_path, monkeypatch):
        yield tmp_path


Start = Callable[[Settings], Run]


@pytest.fixture
def start(package: Path) -> Iterator[Start]:
    """Starts runs, which are stopped when the test ends."""
    started: list[Run] = []

    def one(settings: Settings) -> Run:
        started.append(Run(settings, root=package, temporary=()))
        started[-1].start()
        return started[-1]

    yield one
    for run in started:
        run.stop()


def end_test(run: Run) -> None:
    """End a test that other tests of its module follow."""
    run.end_test(restore=True, ending=frozenset({"function"}))


def test_overrides_of_an_application_that_was_imported_before_the_first_test(
    package: Path, start: Start
) -> None:
    """What was set by then is for all tests; what a test sets goes with it."""
    (package / "shop_m.py").write_text(APP)
    run = start(Settings(mode="on", app="shop_m:app"))
    app: FastAPI = run.application()
    app.dependency_overrides[len] = min
    run.begin_test(NEVER)
    app.dependency_overrides[sum] = max
    end_test(run)
    assert app.dependency_overrides == {len: min}


def test_overrides_that_are_replaced(package: Path, start: Start) -> None:
    """Another dictionary in their place changes nothing: it is watched in its turn, and what it lacks comes back."""
    (package / "shop_o.py").write_text(APP)
    run = start(Settings(mode="on", app="shop_o:app"))
    app: FastAPI = run.application()
    app.dependency_overrides[len] = min
    for _ in range(2):
        run.begin_test(NEVER)
        app.dependency_overrides = {}
        end_test(run)
        assert app.dependency_overrides == {len: min}
        run.begin_test(NEVER)
        app.dependency_overrides[sum] = max
        end_test(run)
        assert app.dependency_overrides == {len: min}


def test_a_schema_that_fails_for_an_application_with_a_driver_of_its_own(package: Path, start: Start) -> None:
    """Every test is told, not only the first: nothing of the driver's would say that there are no tables."""
    (package / "shop_n.py").write_text(APP)
    settings = Settings(mode="on", app="shop_n:app", schema=("nowhere.sql",), env=(("SHOP_URL", "{url}"),))
    run = start(settings)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=r"nowhere\.sql"):
            run.begin_test(NEVER)
