"""What is shown below a traceback; what the summary says of what was left, and of a setting that nobody follows."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermetic.errors import ConfigurationError
from hermetic.report.facts import Tally, TestFacts
from hermetic.report.shown import (
    contents_lines,
    earlier_lines,
    failure_sections,
    left_alone_lines,
    lost_lines,
    only_read_lines,
    other_backend_lines,
    override_lines,
)
from hermetic.settings import Settings

FILE = ["sqlite", "/srv/app.db"]
SERVED = ["postgresql", "app"]
LACKING = ConfigurationError("The database started empty.")


@pytest.mark.parametrize(("mode", "became"), [("on", "were undone"), ("observe", "would be undone")])
def test_overrides_are_summed_by_dependency(mode: str, became: str) -> None:
    """The first few are named, with the test that was first; a tidy suite's summary has no line for it."""
    assert override_lines({}, mode) == []
    left = {
        "get_db": Tally(1885, "t1"),
        "get_user": Tally(1, "t2"),
        **{f"get_{n}": Tally(1, "t") for n in range(5)},
    }
    lines = override_lines(left, mode)
    assert lines[0].startswith(f"overrides: 1891 that tests left {became}; ")
    assert lines[1:3] == ["  get_db, left by 1885 tests, t1 the first", "  get_user, left by t2"]
    assert lines[6:] == ["  ... and 2 more"]


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ({}, []),
        ({"postgresql://a/shop": True}, []),
        ({"postgresql://a/shop": False, "postgresql://b/shop": False}, []),
        ({"postgresql://a/shop": True, "postgresql://b/shop": True}, []),
        ({"postgresql://a/shop": True, "sqlite:////a.db": False}, []),
        (
            {"postgresql://a/x": True, "postgresql://a/shop": True, "postgresql://b/shop": False},
            ["postgresql://b/shop -> postgresql://a/shop"],
        ),
        ({"sqlite:////a.db": True, "sqlite:////b.db": False}, ["sqlite:////b.db -> sqlite:////a.db"]),
    ],
)
def test_a_database_that_is_only_read_may_be_a_replica(written: dict[str, bool], named: list[str]) -> None:
    """Beside one that is written to; the one of its own name is meant, if there is one."""
    lines = only_read_lines(written)
    assert [line.rpartition("hermetic_targets = ")[2] for line in lines[1::2]] == named
    assert all(line.startswith("only read: ") for line in lines[::2])


def test_the_first_few_that_are_only_read() -> None:
    """The rest are counted."""
    many = {f"sqlite:///{number}.db": False for number in range(7)}
    assert only_read_lines({"sqlite:///a.db": True, **many})[10:] == ["  ... and 2 more"]


def test_databases_in_memory_that_are_left_alone() -> None:
    """Each is named by its place below the project, with why; the last line says what could be done."""
    settings = Settings(app="shop:app")
    assert left_alone_lines({}, Path("/project"), settings) == []
    left = {"/project/tests/conftest.py:8": "it is the test's own"}
    first, hint = left_alone_lines(left, Path("/project"), settings)
    assert first.endswith("made at tests/conftest.py:8: it is the test's own")
    assert "the application's" in hint
    assert hint.endswith("hermetic_env = NAME=sqlite+aiosqlite:///:memory:")


def test_databases_in_memory_where_no_application_is_set() -> None:
    """There is none whose database it could be: what names the tables can fill it, or nothing is said to be done."""
    left = {"/p/conftest.py:8": "it is the test's own"}
    assert len(left_alone_lines(left, Path("/p"), Settings())) == 1
    _, hint = left_alone_lines(left, Path("/p"), Settings(schema=("shop:Base.metadata",)))
    assert "to have it filled by hermetic_schema: hermetic_env = NAME=" in hint


def test_files_that_were_opened_before_an_engine_named_them() -> None:
    """By name and line, the first few, with what leaves each alone."""
    lines = earlier_lines({f"/p/{number}.db": "/p/conftest.py:8" for number in range(7)}, Path("/p"))
    assert lines[0].startswith("0.db was opened at conftest.py:8 before an engine named it")
    assert lines[1].endswith("hermetic_targets = sqlite:///0.db -> sqlite:///0.db")
    assert lines[10:] == ["  ... and 2 more"]


def test_the_first_few_that_are_left_alone() -> None:
    """The rest are counted."""
    lines = left_alone_lines({f"/p/test_{number}.py:8": "why" for number in range(7)}, Path("/p"), Settings())
    assert lines[4].endswith("test_4.py:8: why")
    assert lines[5] == "  ... and 2 more"


@pytest.mark.parametrize(
    ("named", "opened"),
    [(None, [FILE]), ("postgresql", []), ("postgresql", [SERVED]), ("postgresql", [FILE, SERVED])],
)
def test_a_setting_that_is_followed_says_nothing(named: str | None, opened: list[list[str]]) -> None:
    """A further database of another kind, a cache say, is the application's own business."""
    assert other_backend_lines(named, opened) == []


def test_a_setting_that_no_engine_follows() -> None:
    """Both kinds are named, and what to do."""
    first, hint = other_backend_lines("sqlite", [SERVED])
    assert first.startswith(
        "hermetic_database = sqlite, but the application's engines are for postgresql (app)"
    )
    assert "hermetic_env" in hint


def test_a_worker_that_died() -> None:
    """It is named, with what is missing."""
    assert lost_lines([]) == []
    (line,) = lost_lines(["gw0", "gw2"])
    assert line.startswith("not here: what gw0, gw2 knew of the whole run")


def test_what_fills_the_databases() -> None:
    """It is named, with the setting, where no setting names it."""
    found = ["app.db:Base.metadata (found)", "alembic.ini"]
    assert contents_lines(found, ()) == [
        "schema: app.db:Base.metadata (found), alembic.ini; to keep to it: hermetic_schema = app.db:Base.metadata"
    ]
    assert contents_lines(found, ("alembic.ini",)) == contents_lines([], ()) == []


def test_a_failure() -> None:
    """Who waited for whom, and why a table is missing; nothing where nothing is known."""
    assert failure_sections(TestFacts(), [], failed=True) == []
    facts = TestFacts(lock_waits=["your test holds"])
    assert failure_sections(facts, [LACKING], failed=True) == [("hermetic", f"your test holds\n\n{LACKING}")]


def test_what_passed() -> None:
    """Nothing is said of it but which databases were kept."""
    facts = TestFacts(lock_waits=["your test holds"], kept=["kept as x"])
    assert failure_sections(facts, [], failed=False) == [("hermetic, at teardown", "kept as x")]
