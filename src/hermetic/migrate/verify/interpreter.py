"""Find the Python that runs a project's tests, and from where it imports the project."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hermetic.errors import CommandError
from hermetic.migrate.verify.copying import is_left_out
from hermetic.source.requirements import ENVIRONMENTS

PLUGIN = "hermetic.pytest_plugin.counting"
ASK = """\
import importlib.util, json, sys
def found(name):
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:
        return False
finders = [module for name, module in list(sys.modules.items()) if name.startswith("__editable__")]
folders = [path.rpartition("/")[0] for module in finders for path in getattr(module, "MAPPING", {}).values()]
print(json.dumps({"version": sys.version.split()[0], "path": [*sys.path, *folders], "missing": [
    name for name in ("pytest", "hermetic", sys.argv[1]) if not found(name)]}))
"""
"""What the interpreter is asked; the finders of editable installs know folders that are not on its path."""

PATIENCE = 120
"""Seconds for its answer."""


@dataclass(frozen=True)
class Interpreter:
    """The Python of a project.

    Attributes:
        path: The program.
        version: Its version.
        imports: The folders from which it imports.
    """

    path: Path
    version: str
    imports: tuple[Path, ...]

    def folders_in(self, source: Path, target: Path) -> list[Path]:
        """Return those of its folders that lie in a project, as they lie in its copy.

        A project that is installed from its folder would else be imported from there, and not from the copy.
        """
        inside = [folder for folder in self.imports if folder.is_relative_to(source) and folder.is_dir()]
        own = [folder for folder in inside if not _lies_apart(folder, source)]
        return [target / folder.relative_to(source) for folder in dict.fromkeys(own)]


def find_interpreter(named: str | None, places: Iterable[Path], activated: Path | None = None) -> Interpreter:
    """Return the interpreter of a project: one that is named, lies beside it or is activated, or this one.

    Args:
        named: A program, or the folder of an environment; None where nobody named one.
        places: The folders in which an environment is looked for, the nearest first.
        activated: The environment that is activated; None where none is.

    Raises:
        CommandError: There is none, it does not run, or it lacks pytest or hermetic.
    """
    path = _program(Path(named).absolute()) if named is not None else _found(places, activated)
    if path is None or not path.is_file():
        raise CommandError(f"There is no interpreter {named or path}.", hints=("--python .venv/bin/python",))
    answer = _answer(path)
    if answer["missing"]:
        missing = answer["missing"][0].partition(".")[0]
        raise CommandError(
            f"{path} has no {missing}" + (" of this version." if "." in answer["missing"][0] else "."),
            why="The suite is run by the project's own interpreter, before and after.",
            hints=(f"{path} -m pip install 'hermetic[asyncio]'", "--python PATH names another one"),
        )
    return Interpreter(path, answer["version"], tuple(map(Path, answer["path"])))


def _answer(path: Path) -> dict[str, Any]:
    """Ask an interpreter."""
    said = ""
    try:
        done = subprocess.run(
            [str(path), "-c", ASK, PLUGIN],
            capture_output=True,
            text=True,
            errors="replace",
            cwd="/",
            timeout=PATIENCE,
        )
        said = done.stderr.strip() or f"it ended with exit code {done.returncode}"
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"{path} does not answer within {PATIENCE} s.") from error
    except (OSError, ValueError, IndexError) as error:
        raise CommandError(f"{path} does not run as a Python.", why=said or str(error)) from error
    return answer


def _lies_apart(folder: Path, source: Path) -> bool:
    """Whether a folder of a project, or one around it there, is left out of the copy."""
    return any(is_left_out(place) for place in (folder, *folder.parents) if place.is_relative_to(source))


def _program(path: Path) -> Path | None:
    if not path.is_dir():
        return path
    return next((found for found in (path / "bin/python", path / "bin/python3") if found.is_file()), None)


def _found(places: Iterable[Path], activated: Path | None) -> Path:
    beside = [place / name for place in places for name in ENVIRONMENTS]
    environments = [*beside, activated] if activated is not None else beside
    found = (_program(environment) for environment in environments if environment.is_dir())
    return next((path for path in found if path is not None), Path(sys.executable))


def variables(folders: Iterable[Path], own: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a run: those of this process, but for what would change what is counted.

    Args:
        folders: The folders from which it has to import before all others.
        own: Those of what counts.
    """
    ours = ("PYTEST_CURRENT_TEST", "PYTEST_XDIST_", "COVERAGE_", "COV_CORE_")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    path = [*map(str, folders), *filter(None, [environ.get("PYTHONPATH")])]
    if path:
        environ["PYTHONPATH"] = os.pathsep.join(path)
    # pytest keeps what it has compiled for both ways of rewriting in one place, which other runs would read.
    return {**environ, "PYTHONDONTWRITEBYTECODE": "1", **own}
