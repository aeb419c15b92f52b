"""One project run as a stranger would: copied, set up by ``hermetic init``, and given to a pytest of its own.

Plugins are loaded as anywhere, by themselves; only those that such a project would not have installed are left out.
A run leads a process group, which is killed at its limit.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

PLUGINS = ("anyio", "asyncio", "hermetic", "xdist", "xdist.looponfail")
"""What a project of these has installed."""

FOREIGN = ("PYTEST", "HERMETIC", "PYTHON", "DATABASE", "DB_")
"""How the names of variables begin that would change a run."""

DESCRIPTIONS = ("case.toml", "fixed", "deleted", "OUTPUT*.txt", "__pycache__")
"""What lies in a case's folder and is no part of the project."""


@dataclass(frozen=True)
class Run:
    """What a run of pytest gave."""

    status: int
    output: str
    hung: bool

    @property
    def passed(self) -> bool:
        """Whether it ended well."""
        return self.status == 0 and not self.hung


@contextmanager
def project(folders: Sequence[Path]) -> Iterator[Path]:
    """Put a project together in a folder of its own, which is not a part of the temporary folder that it sees."""
    with tempfile.TemporaryDirectory(prefix="pitfall-") as home:
        root = Path(home) / "project"
        for folder in folders:
            shutil.copytree(
                folder,
                root,
                ignore=shutil.ignore_patterns(*DESCRIPTIONS),
                copy_function=shutil.copyfile,  # those that are given may be read-only
                dirs_exist_ok=True,
            )
            for path in (root, *root.rglob("*")):
                path.chmod(path.stat().st_mode | 0o200)
        (Path(home) / "tmp").mkdir()
        yield root


def set_up(root: Path) -> str:
    """Set a project up by ``hermetic init``; return what it said."""
    return run([str(_SCRIPTS / "hermetic"), "init"], root, _environment(root), 60).output


def with_hermetic(root: Path, timeout: float, options: Sequence[str] = ()) -> Run:
    """Set a project up, and run its tests in mode ``on``, and with more options."""
    said = set_up(root)
    tested = run([*_PYTEST, "--hermetic=on", *options], root, _environment(root), timeout)
    return Run(tested.status, said + tested.output, tested.hung)


def without_hermetic(root: Path, timeout: float, database_url: str = "") -> Run:
    """Run a project's tests as they are, on a server of somebody's if that is named."""
    more = {"DATABASE_URL": database_url} if database_url else {}
    return run([*_PYTEST, "-p", "no:hermetic"], root, {**_environment(root), **more}, timeout)


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str], timeout: float) -> Run:
    """Run a command in a process group of its own, all of which is killed at its limit."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        hung = False
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            hung = True
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        return Run(process.returncode, output.read(), hung)


_SCRIPTS = Path(sys.executable).parent

_PYTEST = (
    str(_SCRIPTS / "pytest"),  # not `python -m pytest`, which puts the project's folder on the path
    *(f"-pno:{entry.name}" for entry in sorted(entry_points(group="pytest11")) if entry.name not in PLUGINS),
)


def _environment(root: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
    cache = os.environ.get("HERMETIC_CACHE")
    return {
        **kept,
        **({"HERMETIC_CACHE": cache} if cache else {}),
        "COLUMNS": "110",
        "TMPDIR": str(root.parent / "tmp"),
    }
