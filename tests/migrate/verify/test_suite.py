"""A suite in its copy: what is started, and what is read of it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from hermetic.errors import CommandError
from hermetic.migrate.verify.interpreter import Interpreter
from hermetic.migrate.verify.process import Ended, Process
from hermetic.migrate.verify.record import FOLDER, LIMIT, Writer
from hermetic.migrate.verify.suite import Suite, command, words_of


class Recorded(Process):
    """Runs nothing, and writes down that some modules were imported."""

    def __init__(self, home: Path, *imported: str) -> None:
        home.mkdir()
        self.home = home
        self.runs: list[tuple[Sequence[str], Path, Mapping[str, str]]] = []
        self._imported = imported

    def run(self, command: Sequence[str], folder: Path, environ: Mapping[str, str], limit: float) -> Ended:
        self.runs.append((command, folder, environ))
        writer = Writer(Path(environ[FOLDER]), "main")
        writer.write("modules", [each.format(copy=self.home / "copy/project") for each in self._imported])
        writer.close()
        return Ended(0, False, 1.0, ())


@pytest.fixture
def boundary(tmp_path: Path) -> Path:
    """A repository of two projects."""
    (tmp_path / "project/one/tests").mkdir(parents=True)
    (tmp_path / "project/one/tests/test_a.py").touch()
    (tmp_path / "project/shared.py").touch()
    return tmp_path / "project"


def suite_in(boundary: Path, process: Process) -> Suite:
    """Return the suite of one of its projects."""
    interpreter = Interpreter(Path("/venv/bin/python"), "3", (boundary,))
    return Suite(process, interpreter, boundary=boundary, root=boundary / "one", addopts=["-q"], limit=9)


def test_where_it_runs(boundary: Path, tmp_path: Path) -> None:
    """In the project's folder of the copy, which it imports from; what a run has left there is gone in the next."""
    process = Recorded(tmp_path / "home", "{copy}/one/tests/test_a.py", "/usr/lib/os.py")
    suite = suite_in(boundary, process)
    test = boundary / "one/tests/test_a.py"
    run = suite.run({test: b"new"}, test_limit=5)
    ((words, folder, environ),) = process.runs
    copy = process.home / "copy/project"
    assert (words[0], folder, environ["PWD"]) == ("/venv/bin/python", copy / "one", str(copy / "one"))
    assert environ["PYTHONPATH"].split(os.pathsep)[0] == str(copy)
    assert environ[LIMIT] == "5.0"
    assert (copy / "one/tests/test_a.py").read_bytes() == b"new"
    assert not run.elsewhere and run.imported == {test}
    assert suite.original(str(copy / "shared.py")) == boundary / "shared.py"
    assert suite.original("/other") == Path("/other")
    (copy / "left").touch()
    suite.run()
    assert not (copy / "left").exists() and (copy / "one/tests/test_a.py").read_bytes() == b""


def test_what_is_imported_from_elsewhere(boundary: Path, tmp_path: Path) -> None:
    """A rewritten file that was imported from the user's folder is found, by whatever link."""
    (tmp_path / "link").symlink_to(boundary)
    process = Recorded(tmp_path / "home", f"{tmp_path}/link/shared.py")
    shared, test = boundary / "shared.py", boundary / "one/tests/test_a.py"
    run = suite_in(boundary, process).run({shared: b"new", test: b"new"})
    assert run.elsewhere == (shared,) and not run.imported


def test_the_command() -> None:
    """All tests run, whatever is configured; coverage is not measured where it would be."""
    words = words_of(["-q", "--cov=app"], {"PYTEST_ADDOPTS": "-k 'a b'"})
    assert words == ["-q", "--cov=app", "-k", "a b"]
    assert command(Path("python"), words)[-1] == "--no-cov"
    assert "--no-cov" not in command(Path("python"), ["-q"])
    assert "--maxfail=0" in command(Path("python"), [])


def test_a_repository_that_cannot_be_copied(boundary: Path, tmp_path: Path) -> None:
    """It is said, with where there may be room."""
    process = Recorded(tmp_path / "home")
    (process.home / "copy").touch()
    with pytest.raises(CommandError, match="project cannot be copied") as raised:
        suite_in(boundary, process).run()
    assert raised.value.hints[0].startswith("TMPDIR names")


def test_a_disk_that_is_full(boundary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that has not come to its end is not judged then."""
    monkeypatch.setattr("hermetic.migrate.verify.suite.ROOM", 2**63)
    with pytest.raises(CommandError, match=f"There is no room left in {tmp_path}") as raised:
        suite_in(boundary, Recorded(tmp_path / "home")).run()
    assert raised.value.hints == ("TMPDIR names a folder on a disk that has room",)
