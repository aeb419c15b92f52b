"""A logger that caplog hears nothing of: it is disabled, or keeps its records to itself, or is of a higher level."""

from __future__ import annotations

import linecache
import logging
import re
from collections.abc import Iterator
from pathlib import Path

from hermetic.causes.applications import LOGGER_NOT_HEARD
from hermetic.code import Location, is_test_code, project_modules
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import places
from hermetic.explain.history import History

_TEXT = re.compile(r"assert (['\"])(.+?)\1 (?:in|==) ")
"""What is looked for: pytest shows it first."""

_CALL = re.compile(r"\.(debug|info|warning|error|exception|critical)\(")
_CONFIGURED = re.compile(r"\b(fileConfig|dictConfig)\(")
_WORDS = 12
"""Characters of a text that a line of code must have for it to be the one that logs it."""


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name the logger of the text that caplog should have, and has not."""
    del history
    caplog = failure.fixture("caplog")
    text = _TEXT.search(str(failure.error).partition("\n")[0])
    is_asserted = isinstance(failure.error, AssertionError) and failure.phase == "call"
    if caplog is None or text is None or not is_asserted or not _is_of_caplog(failure):
        return
    for at, level, logger in _logging(text[2], Path(failure.root)):
        if (why := _deafness(logger, level, failure.root)) is not None:
            yield Explanation(
                LOGGER_NOT_HEARD,
                (f"{at} logs that by {level}() of the logger {logger.name}, {why[0]}",),
                why[1],
            )
            return


def _is_of_caplog(failure: Failure) -> bool:
    at = next(iter(places(failure.error)), None)
    return at is not None and "caplog" in linecache.getline(at.file, at.line)


def _logging(text: str, root: Path) -> Iterator[tuple[Location, str, logging.Logger]]:
    """Give the lines of the application that log a text, the level, and the logger."""
    for module in project_modules():
        file = str(module.__file__)
        for number, line in enumerate(() if is_test_code(Path(file), root) else linecache.getlines(file), 1):
            call = _CALL.search(line)
            if call is None or not _is_likely(text, line):
                continue
            name = re.search(r"([A-Za-z_]\w*)$", line[: call.start()])
            logger = None if name is None else vars(module).get(name[1])
            if isinstance(logger, logging.Logger):
                yield Location(file, number, ""), call[1], logger


def _is_likely(text: str, line: str) -> bool:
    return len(text) >= _WORDS and text in line


def _deafness(logger: logging.Logger, level: str, root: str) -> tuple[str, tuple[str, ...]] | None:
    """Say why records of a logger do not come to the root's handlers, among which caplog's is."""
    number = logging.ERROR if level == "exception" else getattr(logging, level.upper())
    if logger.disabled:
        configured = list(_configured(Path(root)))
        where = f" ({configured[0]})" if len(configured) == 1 else ""  # of several nobody knows which did it
        return (
            f"which is disabled: logging.config.fileConfig{where} disables each logger that is there, as dictConfig"
            " does.",
            (f"disable_existing_loggers=False, as an argument of that{where}",),
        )
    if number < logger.getEffectiveLevel():
        name = logging.getLevelName(logger.getEffectiveLevel())
        return (
            f"whose level is {name}: there is no record of it.",
            (
                f'caplog.set_level(logging.{level.upper()}, logger="{logger.name}") before that, or log_level in the'
                " ini file",
            ),
        )
    each: logging.Logger | None = logger
    while each is not None and each.parent is not None:
        if not each.propagate:
            return (
                f"and {each.name} has propagate = False: its records do not come to the root logger, where caplog is.",
                (f'monkeypatch.setattr(logging.getLogger("{each.name}"), "propagate", True) in that test',),
            )
        each = each.parent
    return None


def _configured(root: Path) -> Iterator[str]:
    """Give the lines of the project's modules, and of its migrations, that configure logging and keep no logger."""
    modules = [str(module.__file__) for module in project_modules()]
    files = [file for file in modules if Path(file).is_relative_to(root)]
    files += [
        str(each) for pattern in ("*/env.py", "*/*/env.py", "*/*/*/env.py") for each in root.glob(pattern)
    ]
    for file in dict.fromkeys(files):
        for number, line in enumerate(linecache.getlines(file), 1):
            if _CONFIGURED.search(line) and "disable_existing_loggers" not in line:
                yield f"{file}:{number}"
