"""Of a text that caplog has not got it is said which line logs it, and why that is not heard."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from hermetic.explain.failure import Failure, UsedFixture
from hermetic.explain.history import History
from hermetic.explain.loggers import explain
from tests.explain.failing import TEST

SOURCE = """\
import logging
logger = logging.getLogger("books.audit")
def note():
    logger.info("nobody of that name")
    logger.setLevel("nobody of that name")
    unknown.info("nobody of that name")
"""
MISSING = "assert 'nobody of that name' in ''"


@pytest.fixture
def logger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[logging.Logger]:
    """The logger of a module of the project's."""
    file = tmp_path / "books" / "audit.py"
    file.parent.mkdir()
    file.write_text(SOURCE)
    module = ModuleType("books.audit")
    module.__file__ = str(file)
    exec(compile(SOURCE, str(file), "exec"), module.__dict__)
    monkeypatch.setitem(sys.modules, "books.audit", module)
    logger: logging.Logger = module.__dict__["logger"]
    yield logger
    logger.disabled, logger.propagate = False, True
    logger.setLevel(logging.NOTSET)


def told(root: Path, message: str = MISSING, line: str = "assert text in caplog.text") -> str:
    """Return what is said of a test with caplog that failed at a line."""
    names: dict[str, Any] = {"message": message}
    test = root / "test_audit.py"
    test.write_text(f"def test():\n    raise AssertionError(message)  # {line}\n")
    exec(compile(test.read_text(), str(test), "exec"), names)
    caplog = UsedFixture("caplog", "function", None, False)
    with pytest.raises(AssertionError) as caught:
        names["test"]()
    failure = Failure(TEST, "call", caught.value, fixtures=(caplog,), root=str(root))
    return "\n".join(map(str, explain(failure, History())))


def test_a_level_that_is_too_high(tmp_path: Path, logger: logging.Logger) -> None:
    """The line, the logger, its level, and how to lower it; nothing where it is low enough."""
    logger.setLevel(logging.WARNING)
    text = told(tmp_path)
    assert (
        f"{tmp_path}/books/audit.py:4 logs that by info() of the logger books.audit, whose level is" in text
    )
    assert 'caplog.set_level(logging.INFO, logger="books.audit")' in text
    logger.setLevel(logging.INFO)
    assert told(tmp_path) == ""


def test_a_logger_that_does_not_propagate(tmp_path: Path, logger: logging.Logger) -> None:
    """Its own records stay with it."""
    logger.setLevel(logging.INFO)
    logger.propagate = False
    assert "and books.audit has propagate = False" in told(tmp_path)


def test_a_logger_that_is_disabled(tmp_path: Path, logger: logging.Logger) -> None:
    """The line that has done it is named, where there is one alone that keeps no logger."""
    logger.disabled = True
    assert "which is disabled: logging.config.fileConfig" in told(tmp_path)
    migrations = tmp_path / "migrations"
    migrations.mkdir()
    (migrations / "env.py").write_text("\nfileConfig(name)\n")
    assert f"{migrations}/env.py:2" in told(tmp_path)
    (tmp_path / "books" / "env.py").write_text("dictConfig(settings)\n")
    assert "env.py" not in told(tmp_path)


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("assert 'somebody of another' in ''", "assert text in caplog.text"),
        ("assert 'nobody' in ''", "assert text in caplog.text"),
        (MISSING, "assert text in response.text"),
        ("assert 1 == 2", "assert caplog.records"),
    ],
)
def test_what_is_nothing_to_a_logger(tmp_path: Path, logger: logging.Logger, message: str, line: str) -> None:
    """A text that nobody logs, one too short to tell, one that is looked for elsewhere, and no text at all."""
    logger.disabled = True
    assert told(tmp_path, message, line) == ""


def test_a_test_without_caplog(logger: logging.Logger) -> None:
    """Nothing is said."""
    logger.disabled = True
    assert not list(explain(Failure(TEST, "call", AssertionError(MISSING)), History()))
