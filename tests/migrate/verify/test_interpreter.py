"""The Python of a project, and from where it imports."""

from __future__ import annotations

import sys
import venv
from pathlib import Path

import pytest

from hermetic.errors import CommandError
from hermetic.migrate.verify import interpreter
from hermetic.migrate.verify.interpreter import Interpreter, find_interpreter, variables


def test_which_it_is(tmp_path: Path) -> None:
    """One that is named, as a program or an environment; one beside the project; the activated one; or this one."""
    program = Path(sys.executable)
    assert find_interpreter(None, [tmp_path], tmp_path / "gone").path == program
    (tmp_path / "activated").symlink_to(sys.prefix)
    assert (
        find_interpreter(None, [tmp_path], tmp_path / "activated").path == tmp_path / "activated/bin/python"
    )
    (tmp_path / ".venv").symlink_to(sys.prefix)
    assert find_interpreter(None, [tmp_path], tmp_path / "activated").path == tmp_path / ".venv/bin/python"
    assert find_interpreter(str(tmp_path / ".venv"), []).path == tmp_path / ".venv/bin/python"
    found = find_interpreter(str(program), [tmp_path])
    assert (found.path, found.version) == (program, sys.version.split()[0])
    assert any(folder.name == "site-packages" for folder in found.imports)


def test_what_does_not_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None, no Python, and one that lacks what the runs need."""
    with pytest.raises(CommandError, match="There is no interpreter nowhere"):
        find_interpreter("nowhere", [])
    with pytest.raises(CommandError, match="There is no interpreter"):
        find_interpreter(str(tmp_path), [])
    (tmp_path / "python").touch(mode=0o755)
    with pytest.raises(CommandError, match="does not run as a Python"):
        find_interpreter(str(tmp_path / "python"), [])
    (tmp_path / "python").write_text("#!/bin/sh\necho no such option >&2\nexit 2\n")
    with pytest.raises(CommandError, match="does not run as a Python") as raised:
        find_interpreter(str(tmp_path / "python"), [])
    assert raised.value.why == "no such option"
    (tmp_path / "python").write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(interpreter, "PATIENCE", 0.1)
    with pytest.raises(CommandError, match=r"does not answer within 0\.1 s"):
        find_interpreter(str(tmp_path / "python"), [])
    monkeypatch.undo()
    venv.create(tmp_path / ".venv", symlinks=True)
    with pytest.raises(CommandError, match=r"\.venv/bin/python has no pytest") as raised:
        find_interpreter(None, [tmp_path])
    assert raised.value.hints[0].endswith("/.venv/bin/python -m pip install 'hermetic[asyncio]'")


def test_where_it_imports_the_copy_from(tmp_path: Path) -> None:
    """From the folders of the copy that stand for those of the project; its environment is none of them."""
    for name in ("src", ".venv/lib"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / ".venv/pyvenv.cfg").touch()
    imports = (tmp_path / "src", tmp_path / ".venv/lib", tmp_path / "gone", tmp_path, Path("/usr/lib"))
    found = Interpreter(Path("python"), "3", imports).folders_in(tmp_path, Path("/copy"))
    assert found == [Path("/copy/src"), Path("/copy")]


def test_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of this process, but for those by which pytest and coverage know their own."""
    monkeypatch.setenv("PYTHONPATH", "/own")
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    monkeypatch.setenv("SECRET", "s")
    found = variables([Path("/copy/src")], {"COUNTS": "/counts"})
    assert (found["PYTHONPATH"], found["SECRET"], found["COUNTS"]) == ("/copy/src:/own", "s", "/counts")
    assert "PYTEST_XDIST_WORKER" not in found
    assert found["PYTHONDONTWRITEBYTECODE"] == "1"
    monkeypatch.delenv("PYTHONPATH")
    assert "PYTHONPATH" not in variables([], {})
