"""Of a process that misses a database of the tests it is said that this lies on another server."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hermetic.events import emit
from hermetic.events.database import DatabaseMade
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
