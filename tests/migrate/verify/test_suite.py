"""What is started to run a suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermetic.errors import CommandError
from hermetic.migrate.verify.interpreter import Interpreter
from hermetic.migrate.verify.process import Process
from hermetic.migrate.verify.suite import Suite, command, words_of


def test_the_command() -> None:
    """All tests run, whatever is configured; coverage is not measured where it would be."""
    words = words_of(["-q", "--cov=app"], {"PYTEST_ADDOPTS": "-k 'a b'"})
    assert words == ["-q", "--cov=app", "-k", "a b"]
    assert command(Path("python"), words)[-1] == "--no-cov"
    assert "--no-cov" not in command(Path("python"), ["-q"])
    assert "--maxfail=0" in command(Path("python"), [])


def test_a_repository_that_cannot_be_copied(tmp_path: Path) -> None:
    """It is said, with where there may be room."""
    with Process() as process:
        suite = Suite(
            process,
            Interpreter(Path("python"), "3", ()),
            boundary=tmp_path / "gone",
            root=tmp_path / "gone",
            addopts=(),
            limit=1,
        )
        with pytest.raises(CommandError, match="gone cannot be copied") as raised:
            suite.run()
        assert raised.value.hints[0].startswith("TMPDIR names")
        inside = process.home / "copy/gone/test_a.py"
        assert suite.original(str(inside)) == tmp_path / "gone/test_a.py"
        assert suite.original("/other") == Path("/other")
