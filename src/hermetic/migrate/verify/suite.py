"""A project's suite, run in a copy of its repository, once for each state of its files."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hermetic.errors import CommandError
from hermetic.migrate.verify.copying import copy_tree, put, remove_tree, stamps
from hermetic.migrate.verify.interpreter import PLUGIN, Interpreter, variables
from hermetic.migrate.verify.process import Ended, Process
from hermetic.migrate.verify.record import FOLDER, LIMIT, Record, read

ALWAYS = ("-p", PLUGIN, "--maxfail=0", "--continue-on-collection-errors")
HOOK = ("-o", "enable_assertion_pass_hook=true")
ROOM = 2**20
"""Bytes; a disk with less is full."""

TEMPORARY = "TMPDIR names a folder on a disk that has room"


@dataclass(frozen=True)
class Run:
    """A run of the suite.

    Attributes:
        record: What it has written down; its files are those of the copy.
        ended: How it ended.
        elsewhere: The files that were to be replaced, and were imported from the user's folder all the same.
        imported: Those that were imported from the copy.
    """

    record: Record
    ended: Ended
    elsewhere: tuple[Path, ...] = ()
    imported: frozenset[Path] = frozenset()


class Suite:
    """Runs a suite in a copy, which is made anew each time, always in the same place.

    Args:
        process: What runs it.
        interpreter: With which Python.
        boundary: The top of the repository, which is copied; links in its path are resolved.
        root: The folder of the project, where pytest is started.
        addopts: The words that its configuration gives to pytest.
        limit: Seconds for a run.
    """

    def __init__(
        self,
        process: Process,
        interpreter: Interpreter,
        *,
        boundary: Path,
        root: Path,
        addopts: Iterable[str],
        limit: float,
    ) -> None:
        self._process = process
        self._interpreter = interpreter
        self._boundary = boundary
        self._root = root
        self._addopts = tuple(addopts)
        self.limit = limit
        self.notes: dict[str, None] = {}
        self._copy = process.home / "copy" / (boundary.name or "project")
        self._stamps = stamps(boundary)

    @property
    def changed(self) -> list[Path]:
        """The user's own files that are not as they were when this was made."""
        now = stamps(self._boundary)
        return sorted(file for file in {*now, *self._stamps} if now.get(file) != self._stamps.get(file))

    def original(self, file: str) -> Path:
        """Return the user's file of which a file is the copy; the file itself, if it is none."""
        path = Path(file)
        return self._boundary / path.relative_to(self._copy) if path.is_relative_to(self._copy) else path

    def run(self, changes: Mapping[Path, bytes] | None = None, *, test_limit: float = 0) -> Run:
        """Run it.

        Args:
            changes: The files that are replaced.
            test_limit: Seconds for a test; 0 for any time.

        Raises:
            CommandError: The repository cannot be copied, or the disk is full before the run has ended.
        """
        changes = changes or {}
        copy, counts = self._copy, self._process.home / "counts"
        self._prepare(copy, counts, changes)
        environ = variables(
            self._interpreter.folders_in(self._boundary, copy),
            {FOLDER: str(counts), LIMIT: f"{test_limit:.1f}"},
        )
        folder = copy / self._root.relative_to(self._boundary)
        ended = self._process.run(
            command(self._interpreter.path, self._addopts),
            folder,
            {**environ, "PWD": str(folder)},
            self.limit,
        )
        record = read(counts)
        if not record.has_ended and shutil.disk_usage(self._process.home).free < ROOM:
            raise CommandError(
                f"There is no room left in {self._process.home.parent}, where the suite is run.",
                why="Nothing of the project was changed.",
                hints=(TEMPORARY,),
            )
        modules = {os.path.realpath(file) for file in record.modules}
        files = {file: os.path.realpath(copy / file.relative_to(self._boundary)) for file in changes}
        return Run(
            record,
            ended,
            tuple(file for file in changes if os.path.realpath(file) in modules),
            frozenset(file for file, copied in files.items() if copied in modules),
        )

    def _prepare(self, copy: Path, counts: Path, changes: Mapping[Path, bytes]) -> None:
        for folder in (copy, counts):
            remove_tree(folder)
        try:
            counts.mkdir()
            self.notes.update(dict.fromkeys(copy_tree(self._boundary, copy)))
            put(changes, self._boundary, copy)
        except OSError as error:
            raise CommandError(
                f"{self._boundary} cannot be copied.",
                why=str(error),
                hints=(TEMPORARY,),
            ) from error


def command(python: Path, addopts: Iterable[str]) -> list[str]:
    """Return what runs a suite so that it counts, and runs each test whatever the others do.

    Coverage is not measured: it costs time, and a run may fail for it.
    """
    words = list(addopts)
    covers = any(word.startswith("--cov") for word in words)
    return [str(python), "-m", "pytest", *ALWAYS, *HOOK, *(("--no-cov",) if covers else ())]


def words_of(addopts: Iterable[str], environ: Mapping[str, str]) -> list[str]:
    """Return the words that a run is given by its configuration, and by ``PYTEST_ADDOPTS``."""
    return [*addopts, *shlex.split(environ.get("PYTEST_ADDOPTS", ""))]
