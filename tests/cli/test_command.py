"""The command line itself: verbs, exit codes, colours, and what it loads."""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import hermetic
from hermetic.cli import main
from hermetic.cli.colour import red


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say yes."""
        return True


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """``--version`` prints the package's version and ends well."""
    with pytest.raises(SystemExit) as exit_:
        main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == f"hermetic {hermetic.__version__}\n"


@pytest.mark.parametrize("words", [[], ["nonsense"], ["init", "--nonsense"], ["init", "--limit", "0"]])
def test_words_that_make_no_sense_exit_with_2(words: list[str]) -> None:
    """A missing or unknown verb, and an unknown option, are usage errors."""
    with pytest.raises(SystemExit) as exit_:
        main(words)
    assert exit_.value.code == 2


def test_without_a_verb_all_of_them_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever types the name alone wants to know what there is; it is an error for a script all the same."""
    with pytest.raises(SystemExit):
        main([])
    captured = capsys.readouterr()
    assert captured.out == ""
    for verb in ("init", "explain", "doctor", "migrate", "db"):
        assert f"\n    {verb} " in captured.err


def test_an_error_goes_to_stderr_with_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    """An error of hermetic is printed with its code and hint, without a traceback."""
    assert main(["init", "/does/not/exist"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: The directory /does/not/exist does not exist. [HM113]")
    assert "hint: give the project's directory" in captured.err


def test_the_entry_point_is_the_command() -> None:
    """The installed command calls ``main``."""
    (entry,) = entry_points(group="console_scripts", name="hermetic")
    assert entry.load() is main


def test_the_command_starts_without_heavy_imports() -> None:
    """Importing the command, init included, loads neither the database nor the client half, nor pytest."""
    code = "import sys, hermetic.cli.init; print({'sqlalchemy', 'fastapi', 'httpx2', 'pytest'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_colours_are_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file gets plain text; a terminal gets colours."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert red("error", io.StringIO()) == "error"
    assert red("error", Terminal()) == "\033[1;31merror\033[0m"


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR set a terminal gets plain text."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert red("error", Terminal()) == "error"


@pytest.mark.skipif(os.name == "nt", reason="such pipes are POSIX's")
def test_a_reader_who_wants_no_more_is_no_error() -> None:
    """As in ``hermetic explain | head -1``."""
    reading, writing = os.pipe()
    os.close(reading)
    code = "from hermetic.cli import main; raise SystemExit(main(['explain']))"
    done = subprocess.run([sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


RUN = "import sys; from hermetic.cli import main; raise SystemExit(main(sys.argv[1:]))"


def run(words: list[str], *redirected: str, folder: Path, **variables: str) -> tuple[int, str]:
    """Run the command by a shell, which redirects; return its exit code and what it wrote to stderr."""
    line = f"exec {shlex.join([sys.executable, '-c', RUN, *words])} {' '.join(redirected)}"
    environ = {**os.environ, **variables}
    done = subprocess.run(["sh", "-c", line], cwd=folder, env=environ, capture_output=True, text=True)
    return done.returncode, done.stderr


@pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX redirects")
@pytest.mark.parametrize(
    ("verb", "closed"),
    [("explain", ">&-"), ("migrate", ">&-"), ("migrate", "2>&-"), ("doctor", "<&- >&- 2>&-")],
)
def test_closed_streams_change_nothing(verb: str, closed: str, tmp_path: Path) -> None:
    """As a service may have left them, or ``>&-``."""
    status, told = run([verb], closed, folder=tmp_path)
    assert (status, "Traceback" in told) == (0, False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full is Linux's")
@pytest.mark.parametrize("words", [["explain", "HM200"], ["doctor", "--format", "json"], ["--help"]])
def test_a_full_disk_is_an_error_of_one_line(words: list[str], tmp_path: Path) -> None:
    """Whether it shows while something is written or at the end; exit code 1 would say that a check found something."""
    status, told = run(words, ">/dev/full", folder=tmp_path)
    assert (status, told.splitlines()[-1]) == (2, "error: [Errno 28] No space left on device")


@pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX redirects")
def test_what_an_encoding_lacks_is_written_as_escapes(tmp_path: Path) -> None:
    """A diff of a project's files may have any character."""
    (tmp_path / "main.py").write_text("from fastapi import FastAPI\napp = FastAPI()\n")
    (tmp_path / "pytest.ini").write_text("# caf\xe9\n[pytest]\n", encoding="utf-8")
    assert run(["init", "--diff"], ">diff", folder=tmp_path, PYTHONIOENCODING="ascii")[0] == 0
    assert b"# caf\\xe9" in (tmp_path / "diff").read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no folder that somebody is in")
def test_a_folder_that_is_gone_is_an_error_of_one_line(tmp_path: Path) -> None:
    """Somebody else may have removed it."""
    (tmp_path / "gone").mkdir()
    line = f"rmdir ../gone; exec {shlex.join([sys.executable, '-c', RUN, 'doctor'])}"
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path / "gone", capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "error: [Errno 2] No such file or directory\n")
