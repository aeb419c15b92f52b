"""The application is imported once, whoever asks, and what failed is not tried again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hermetic.errors import ConfigurationError
from hermetic.loading import Failures, Loader
from tests.importing import importable


class Noted:
    """A loader, and what it called."""

    def __init__(self, path: str | None) -> None:
        self.events: list[object] = []
        self.loader = Loader(
            path, Failures(), before=lambda: self.events.append("before"), after=self.events.append
        )


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the import path; what is imported from it is forgotten afterwards."""
    with importable(tmp_path, monkeypatch):
        yield tmp_path


def test_no_application(package: Path) -> None:
    """Where none is named, nothing is called."""
    noted = Noted(None)
    assert noted.loader.application() is None
    assert noted.events == []


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
    threads = [threading.Thread(target=lambda: found.append(noted.loader.application())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [noted.loader.application()] * 2
    assert noted.events == ["before", found[0]]


def test_it_says_that_it_is_loading(package: Path) -> None:
    """While it is imported, by us or by a test module, and no longer."""
    (package / "shop_asking.py").write_text(
        "import builtins\n\nanswer = builtins.ask()\nasync def app(scope, receive, send): ...\n"
    )
    noted = Noted("shop_asking:app")
    assert not noted.loader.is_loading
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builtins.ask", lambda: noted.loader.is_loading, raising=False)
        __import__("shop_asking")
    assert noted.loader.application().__globals__["answer"] is True
    assert not noted.loader.is_loading


def test_another_module_of_its_package_is_loading(package: Path) -> None:
    """What is half imported cannot be imported by the application."""
    (package / "shop_pack").mkdir()
    (package / "shop_pack" / "db.py").write_text("import builtins\n\nanswer = builtins.ask()\n")
    noted = Noted("shop_pack.main:app")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builtins.ask", lambda: noted.loader.is_loading, raising=False)
        assert __import__("shop_pack.db").db.answer is True


def test_what_failed_is_not_tried_again(package: Path) -> None:
    """The second to ask gets the first one's error, though the file is mended by then."""
    (package / "shop_bad.py").write_text("raise ValueError('broken')\n")
    noted = Noted("shop_bad:app")
    with pytest.raises(ConfigurationError) as first:
        noted.loader.application()
    (package / "shop_bad.py").write_text("async def app(scope, receive, send): ...\n")
    with pytest.raises(ConfigurationError) as second:
        noted.loader.application()
    assert second.value is first.value
    assert noted.events == ["before"]
