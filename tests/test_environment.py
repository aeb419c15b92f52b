"""The environment of a run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url

from hermetic.environment import Environment
from hermetic.settings import parse


def url() -> URL:
    """Return the database's."""
    return make_url("sqlite:///worker.db")


def test_it_is_brought_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was set, changed and removed meanwhile; what stayed as it was is not touched, for other threads read it."""
    monkeypatch.setenv("STAYS", "as it is")
    monkeypatch.setenv("CHANGES", "before")
    monkeypatch.setenv("GOES", "before")
    monkeypatch.delenv("TESTING", raising=False)
    environment = Environment(parse({"hermetic_app": "a:b", "hermetic_env": ["TESTING=1"]}), tmp_path, url)
    before = dict(os.environ)
    environment.start()
    assert os.environ["TESTING"] == "1"
    os.environ["CHANGES"] = "after"
    del os.environ["GOES"]
    touched: list[str] = []

    def noting(change: Callable[..., None]) -> Callable[..., None]:
        def noted(name: bytes, *value: bytes) -> None:
            touched.append(os.fsdecode(name))
            change(name, *value)

        return noted

    with monkeypatch.context() as patch:
        patch.setattr(os, "unsetenv", noting(os.unsetenv))
        patch.setattr(os, "putenv", noting(os.putenv))
        environment.stop()
    assert dict(os.environ) == before
    assert sorted(touched) == ["CHANGES", "GOES", "TESTING"]


def test_the_service_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For as long as a run lasts that contains; one that observes changes nothing."""
    monkeypatch.setenv("PGSERVICE", "production")
    monkeypatch.delenv("HERMETIC_PGSERVICE", raising=False)
    for mode, during in {"on": None, "observe": "production"}.items():
        environment = Environment(parse({"hermetic_app": "a:b", "hermetic": mode}), tmp_path, url)
        environment.start()
        assert os.environ.get("PGSERVICE") == during
        environment.stop()
        assert os.environ["PGSERVICE"] == "production"
        assert "HERMETIC_PGSERVICE" not in os.environ


def test_the_urls_among_the_values(tmp_path: Path) -> None:
    """Those of databases count; not ours, whose place is not filled yet, nor what is no URL."""
    values = [
        "TESTING=true",
        "DATABASE_URL=sqlite+aiosqlite:///:memory:",
        "NATIVE_URL={url}",
        "BROKEN=://",
        "AUDIT_URL=postgresql://db/audit",
    ]
    environment = Environment(parse({"hermetic_app": "a:b", "hermetic_env": values}), tmp_path, url)
    assert environment.urls() == [
        make_url("sqlite+aiosqlite:///:memory:"),
        make_url("postgresql://db/audit"),
    ]
    values.append("CACHE_URL=sqlite+aiosqlite:///:memory:")  # so that it stands for two databases
    environment = Environment(parse({"hermetic_app": "a:b", "hermetic_env": values}), tmp_path, url)
    assert environment.urls() == [make_url("postgresql://db/audit")]


PRODUCTION = "postgresql://app:pw@db.internal/shop"


@pytest.mark.parametrize(
    ("line", "before", "now", "engine", "expected"),
    [
        (
            "DB=sqlite:///x.db",
            PRODUCTION,
            PRODUCTION,
            "postgresql+asyncpg://me@db.internal/shop",
            "DB=sqlite:///x.db",
        ),
        ("DB={url}", PRODUCTION, PRODUCTION, PRODUCTION, "DB={url}"),
        ("DB=mysql://u:pw@h/d", PRODUCTION, PRODUCTION, PRODUCTION, "DB=mysql://u:***@h/d"),
        ("DB=sqlite:///x.db", PRODUCTION, PRODUCTION, "postgresql://db.internal/other", None),
        ("DB=sqlite:///x.db", PRODUCTION, "sqlite:///test.db", PRODUCTION, None),
        ("DB=sqlite:///x.db", None, PRODUCTION, PRODUCTION, None),
        ("DB=sqlite:///x.db", "plain", "plain", PRODUCTION, None),
        ("DB=sqlite:///x.db", "sqlite://", "sqlite://", "sqlite://", None),
        (f"DB={PRODUCTION}", PRODUCTION, PRODUCTION, PRODUCTION, None),
        ("DB=plain", PRODUCTION, PRODUCTION, PRODUCTION, None),
    ],
)
def test_which_variable_would_give_an_engine_another_url(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    before: str | None,
    now: str,
    engine: str,
    expected: str | None,
) -> None:
    """The one that its URL is from, unless the project has set it since; passwords are hidden."""
    monkeypatch.delenv("DB", raising=False)
    if before is not None:
        monkeypatch.setenv("DB", before)
    environment = Environment(
        parse({"hermetic": "observe", "hermetic_env": [line, "TESTING=1"]}), tmp_path, url
    )
    monkeypatch.delenv("TESTING", raising=False)
    environment.start()
    monkeypatch.setenv("DB", now)
    given = environment.given(make_url(engine))
    assert (None if given is None else str(given)) == expected
    unchanged = line == f"DB={before}"
    assert environment.changes() == [
        *([] if unchanged else [f"DB{'' if before else ' (unset now)'}"]),
        "TESTING (unset now)",
    ]
    environment.stop()
