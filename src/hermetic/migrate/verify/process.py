"""Run commands in a folder that goes when this process ends, however that happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hermetic.errors import CommandError
from hermetic.migrate.verify.copying import remove_tree

SUPERVISOR = Path(__file__).with_name("supervisor.py")
TAIL = 20
"""Lines of what a run printed that are kept."""


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        status: Its exit code, or the negative number of a signal.
        is_late: Whether it was ended at the limit.
        seconds: How long it took.
        output: The last lines that it printed.
    """

    status: int
    is_late: bool
    seconds: float
    output: tuple[str, ...]


class Process:
    """Runs commands, one after the other, while it is entered.

    Attributes:
        home: A folder that goes in the end.
    """

    home: Path

    def __enter__(self) -> Self:
        """Start the supervisor.

        Raises:
            CommandError: This system has no process groups, or there is no room for a folder.
        """
        if sys.platform == "win32":  # pragma: no cover - no process group can be ended as a whole there
            raise CommandError(
                "hermetic migrate --verify runs on Linux and macOS.", hints=("leave out --verify",)
            )
        self._group: int | None = None
        self._supervisor = subprocess.Popen(
            [sys.executable, "-P", str(SUPERVISOR)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C is for us alone
        )
        try:
            self.home = Path(self._answer()["home"])
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End what runs, and remove the folder."""
        self._end()
        remove_tree(self.home)  # where the supervisor was killed

    def run(self, command: Sequence[str], folder: Path, environ: Mapping[str, str], limit: float) -> Ended:
        """Run a command, and wait for its end.

        Args:
            command: The command.
            folder: Where it is started.
            environ: Its variables; that of the folder for temporary files is set beside them.
            limit: Seconds after which it is ended.
        """
        output = self.home / "output"
        request = {
            "command": list(command),
            "folder": str(folder),
            "environ": dict(environ),
            "limit": limit,
            "output": str(output),
        }
        assert self._supervisor.stdin is not None
        self._supervisor.stdin.write(json.dumps(request).encode() + b"\n")
        self._supervisor.stdin.flush()
        self._group = self._answer()["group"]
        answer = self._answer()
        self._group = None
        lines = output.read_text(encoding="utf-8", errors="replace").splitlines()
        return Ended(answer["status"], answer["is_late"], answer["seconds"], tuple(lines[-TAIL:]))

    def _answer(self) -> dict[str, Any]:
        assert self._supervisor.stdout is not None
        line = self._supervisor.stdout.readline()
        if not line:
            raise CommandError(
                "The process that runs the suite ended.", why="Nothing of the project was changed."
            )
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _end(self) -> None:
        assert self._supervisor.stdin is not None and self._supervisor.stdout is not None
        self._supervisor.stdin.close()  # which has it end all of it
        if self._supervisor.wait() < 0 and self._group is not None:  # but where it was killed itself
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._group, signal.SIGKILL)
        self._supervisor.stdout.close()
