"""The process between ``hermetic migrate --verify`` and the runs of pytest: nothing of those is left when it has ended.

It is a program of its own that imports the standard library, ``processes`` and ``copying``. It makes a folder, says its
name, and runs what it is asked to, a line of JSON each, in a process group of its own. The command holds the other end
of its standard input, so that an end of file there says that the command has ended, by whatever: what runs is killed
then, with all that it started, and the folder goes at last. Where the supervisor is killed itself, what it runs is
killed by the kernel on Linux, and its process group by the command, which is told of it before anything else.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from hermetic.migrate.verify.copying import remove_tree
from hermetic.processes import adopt_orphans, die_with_parent, end

STEP = 0.05
"""Seconds between two looks."""


def main() -> None:
    """Run what is asked for, until nobody asks any more."""
    adopt_orphans()
    home = Path(tempfile.mkdtemp(prefix="hermetic-verify-")).resolve()
    asked = open(0, "rb", buffering=0, closefd=False)  # noqa: SIM115 - for as long as the process
    try:
        with suppress(BrokenPipeError):
            _tell({"home": str(home)})
            while line := asked.readline():
                _tell(_run(json.loads(line), home))
    finally:
        remove_tree(home)


def _tell(answer: dict[str, Any]) -> None:
    os.write(1, json.dumps(answer).encode() + b"\n")


def _run(request: dict[str, Any], home: Path) -> dict[str, Any]:
    remove_tree(home / "tmp")
    (home / "tmp").mkdir()
    began = time.monotonic()
    with open(request["output"], "wb") as output:
        process = subprocess.Popen(
            request["command"],
            cwd=request["folder"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**request["environ"], "TMPDIR": str(home / "tmp")},
            process_group=0,
            preexec_fn=die_with_parent,
        )
    _tell({"group": process.pid})
    is_late = not _wait(process, request["limit"])
    status = end(process)
    return {"status": status, "is_late": is_late, "seconds": time.monotonic() - began}


def _wait(process: subprocess.Popen[bytes], limit: float) -> bool:
    """Wait until a process ends, or the command does; return whether that was within the limit."""
    leash = select.poll()
    leash.register(0, select.POLLIN | select.POLLHUP)
    until = time.monotonic() + limit
    while process.poll() is None:
        if leash.poll(STEP * 1000):
            return True
        if time.monotonic() > until:
            return False
    return True


if __name__ == "__main__":  # pragma: no cover - coverage knows no program by its path
    main()
