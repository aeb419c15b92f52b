"""Of a process that misses a database of the tests it is said that this lies on another server."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from hermetic.code import Location
from hermetic.events import emit
from hermetic.events.database import DatabaseMade, EngineResolved
from hermetic.explain.history import History
from tests.explain.failing import said

MISSING = 'FATAL:  database "{}" does not exist'


def start(name: str, *, code: int = 1) -> subprocess.CompletedProcess[bytes]:
    """Run a process that says that a database is missing."""
    script = f"import sys; print({MISSING.format(name)!r}, file=sys.stderr); sys.exit({code})"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)


def fill(name: str, *, code: int = 1) -> None:
    """Do as a suite does whose fixture reads how its process ended."""
    done = start(name, code=code)
    raise RuntimeError("failed to fill it", done.returncode)


@pytest.mark.parametrize("checked", [True, False])
def test_a_database_of_the_tests(history: History, checked: bool) -> None:
    """The name, the line, and both ways out."""
    emit(DatabaseMade("filled"))
    with pytest.raises((RuntimeError, subprocess.CalledProcessError)) as raised:
        if checked:
            start("filled").check_returncode()
        fill("filled")
    text = said(raised.value, history)
    assert "[HM758]" in text
    assert f"A process failed, as {__file__}:" in text
    assert "looked for the database filled" in text
    assert "change: give it hermetic's server" in text


@pytest.mark.parametrize(("name", "code"), [("another", 1), ("filled", 0)])
def test_another_reason(history: History, name: str, code: int) -> None:
    """Of a database that the tests did not make, and a process that did not fail, nothing is known."""
    emit(DatabaseMade("filled"))
    with pytest.raises(RuntimeError) as raised:
        fill(name, code=code)
    assert said(raised.value, history) == ""


def fail(command: Any, said: str | None, *, is_raised: bool = True, code: int = 1) -> None:
    """Do as a test does whose process has failed."""
    if is_raised:
        raise subprocess.CalledProcessError(code, command, stderr=said)
    done = subprocess.CompletedProcess(command, code, stderr=said)
    raise AssertionError("assert 1 == 0", done.returncode)


@pytest.mark.parametrize("is_raised", [True, False])
@pytest.mark.parametrize("said_there", [None, "OperationalError: no such table: users"])
@pytest.mark.parametrize("command", [[sys.executable, "-m", "app.cli"], "python -m app.cli", ["pytest"]])
def test_a_process_that_nobody_leads_anywhere(
    history: History, command: object, said_there: str | None, is_raised: bool
) -> None:
    """The engine that goes elsewhere there, and the variable by which the process would be told."""
    emit(
        EngineResolved(
            None, Location("app/db.py", 6, ""), "sqlite:///app.db", "a database", "contained", engine=1
        )
    )
    with pytest.raises((AssertionError, subprocess.CalledProcessError)) as raised:
        fail(command, said_there, is_raised=is_raised)
    text = said(raised.value, history)
    assert f"A process failed, as {__file__}:" in text
    assert "the engine for sqlite:///app.db (app/db.py:6) goes to where that URL says. [HM816]" in text
    assert "change: hermetic_env = NAME={url} in the ini file" in text


@pytest.mark.parametrize(
    ("command", "said_there", "outcome"),
    [
        (["git", "status"], None, "contained"),
        ([], None, "contained"),
        (["python", "-m", "app.cli"], "ValueError: no name", "contained"),
        (["python", "-m", "app.cli"], None, "left alone"),
    ],
)
def test_a_process_that_fails_otherwise(
    history: History, command: object, said_there: str | None, outcome: str
) -> None:
    """Another program, another error, and a run that leads no engine anywhere."""
    emit(EngineResolved(None, None, "sqlite:///app.db", "a database", outcome, engine=1))
    with pytest.raises(subprocess.CalledProcessError) as raised:
        fail(command, said_there)
    assert said(raised.value, history) == ""


def test_a_process_and_an_engine_of_unknown_origin(history: History) -> None:
    """Where the engine is made is left out."""
    emit(EngineResolved(None, None, "sqlite:///app.db", "a database", "contained", engine=1))
    with pytest.raises(subprocess.CalledProcessError) as raised:
        fail(["python"], b"Connection refused".decode())
    assert "the engine for sqlite:///app.db goes to where" in said(raised.value, history)
