"""The application is imported once and made once, whoever asks, and what failed is not tried again for every test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hermetic.errors import ConfigurationError
from hermetic.loading import Application
from tests.importing import importable


class Noted:
    """An application, and what was told of it."""

    def __init__(self, path: str | None) -> None:
        self.events: list[object] = []
        self.application = Application(
            path,
            before=lambda: self.events.append("before"),
            imported=lambda: self.events.append("imported"),
            made=self.events.append,
        )


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the import path; what is imported from it is forgotten afterwards."""
    with importable(tmp_path, monkeypatch):
        yield tmp_path


def test_no_application(package: Path) -> None:
    """Where none is named, nothing is called."""
    noted = Noted(None)
    noted.application.look()
    assert noted.application.ask() is noted.application.get() is None
    assert noted.application.is_unmade
    assert noted.events == []


def test_an_application_is_made_by_looking(package: Path) -> None:
    """It is an object of the module: to import that is all there is to do."""
    (package / "shop_object.py").write_text("async def app(scope, receive, send): ...\n")
    noted = Noted("shop_object:app")
    noted.application.look()
    assert noted.events == ["before", "imported", noted.application.get()]
    assert not noted.application.is_unmade


def test_a_factory_is_not_called_by_looking(package: Path) -> None:
    """It is by whoever asks, once."""
    (package / "shop_looking.py").write_text(
        "async def app(scope, receive, send): ...\ncalls = []\ndef make():\n    calls.append(1)\n    return app\n"
    )
    noted = Noted("shop_looking:make")
    noted.application.look()
    assert noted.events == ["before", "imported"]
    assert noted.application.is_unmade
    made = noted.application.ask()
    assert noted.application.get() is made
    assert made.__globals__["calls"] == [1]
    assert noted.events == ["before", "imported", made]
    assert not noted.application.is_unmade


def test_two_threads_get_one_application(package: Path) -> None:
    """A factory is called once; whoever asks meanwhile waits for what it makes."""
    (package / "shop_once.py").write_text(
        "import time\n\n"
        "def make():\n"
        "    time.sleep(0.05)\n"
        "    async def app(scope, receive, send): ...\n"
        "    return app\n"
    )
    noted = Noted("shop_once:make()")
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(noted.application.ask())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [noted.application.get()] * 2
    assert noted.events == ["before", "imported", found[0]]


def test_it_says_that_it_is_loading(package: Path) -> None:
    """While it is imported, by us or by a test module, and no longer."""
    (package / "shop_asking.py").write_text(
        "import builtins\n\nanswer = builtins.ask()\nasync def app(scope, receive, send): ...\n"
    )
    application = Noted("shop_asking:app").application
    assert not application.is_loading
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builtins.ask", lambda: application.is_loading, raising=False)
        __import__("shop_asking")
    assert application.get().__globals__["answer"] is True
    assert not application.is_loading


def test_another_module_of_its_package_is_loading(package: Path) -> None:
    """What is half imported cannot be imported by the application."""
    (package / "shop_pack").mkdir()
    (package / "shop_pack" / "db.py").write_text("import builtins\n\nanswer = builtins.ask()\n")
    application = Noted("shop_pack.main:app").application
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builtins.ask", lambda: application.is_loading, raising=False)
        assert __import__("shop_pack.db").db.answer is True


def test_what_failed_is_not_tried_again(package: Path) -> None:
    """Whoever looks or asks goes on without; whoever needs it gets the first error, though the file is mended."""
    (package / "shop_bad.py").write_text("raise ValueError('broken')\n")
    noted = Noted("shop_bad:app")
    with pytest.raises(ConfigurationError) as first:
        noted.application.get()
    (package / "shop_bad.py").write_text("async def app(scope, receive, send): ...\n")
    noted.application.look()
    assert noted.application.ask() is None
    with pytest.raises(ConfigurationError) as second:
        noted.application.get()
    assert second.value is first.value
    assert noted.events == ["before"]


def test_what_failed_for_somebody_who_only_asked(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried once more for whoever needs it: a fixture has given meanwhile what was lacking."""
    (package / "shop_later.py").write_text(
        "import os\n\n"
        "calls = []\n"
        "async def app(scope, receive, send): ...\n"
        "def make():\n"
        "    calls.append(os.environ.get('BUCKET'))\n"
        "    os.environ['BUCKET']\n"
        "    return app\n"
    )
    application = Noted("shop_later:make").application
    assert application.ask() is application.ask() is None
    monkeypatch.setenv("BUCKET", "sandboxes")
    assert application.ask() is None
    assert application.get().__globals__["calls"] == [None, "sandboxes"]
