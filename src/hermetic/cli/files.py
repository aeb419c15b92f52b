"""Write files whole or not at all.

Each new text is written beside its file first, and moved over it when all of them are on the disk: whoever looks
meanwhile, or pulls the plug, finds the old file or the new one. A file that its owner made read-only stays as it is,
even for root, whom the system would let through.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hermetic.errors import CommandError

WRITABLE = 0o222
LINE = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True)
class Edit:
    """A file's text before (None where there is no file yet) and after, and how it is written."""

    path: Path
    before: str | None
    after: str
    encoding: str = "utf-8"


def write(edits: Sequence[Edit]) -> None:
    """Write the new text of each file.

    Raises:
        ConfigurationError: A file is read-only, has changed since it was read, or cannot be written. None is changed
            then, unless the system refuses what it has allowed for others: the message says how many were.
        KeyboardInterrupt: While texts were written beside their files, none is changed; after that, all are.
    """
    for edit in edits:
        _refuse(edit)
    prepared: list[tuple[Path, Path]] = []
    try:
        for edit in edits:
            prepared.append(_prepare(edit))
        _move(prepared)
    finally:
        for temporary, _ in prepared:
            with suppress(OSError):
                temporary.unlink()


def _refuse(edit: Edit) -> None:
    if not edit.path.exists():
        return
    if not edit.path.stat().st_mode & WRITABLE:
        raise CommandError(
            f"{edit.path} is read-only. Nothing was written.",
            hints=(f"chmod u+w '{edit.path}'",),
        )
    if edit.before is None or edit.path.read_bytes() != edit.before.encode(edit.encoding):
        raise CommandError(
            f"{edit.path} has changed since it was read. Nothing was written.",
            hints=("run the same command again",),
        )


def _move(prepared: list[tuple[Path, Path]]) -> None:
    """Move each text over its file; an interrupt waits until that is done, for half of a change may be none."""
    interrupt: KeyboardInterrupt | None = None
    count = len(prepared)
    while prepared:
        temporary, target = prepared[0]
        try:
            if temporary.exists():
                os.replace(temporary, target)
            del prepared[0]
        except KeyboardInterrupt as error:
            interrupt = error
        except OSError as error:
            done = f"{count - len(prepared)} of {count} files were written before"
            raise CommandError(f"{target} cannot be written: {done}.", why=str(error)) from error
    if interrupt is not None:
        raise interrupt


def unified_diff(edit: Edit, name: str) -> Iterator[str]:
    """Yield the lines of a diff that ``patch`` understands, line endings and a missing final newline included.

    Args:
        edit: The change.
        name: What the file is called in the diff.
    """
    tab = "\t" if " " in name else ""  # without it, patch takes a name to end at its first space
    old = "/dev/null" if edit.before is None else f"a/{name}{tab}"
    before, after = (LINE.findall(text) for text in (edit.before or "", edit.after))
    for line in difflib.unified_diff(before, after, old, f"b/{name}{tab}"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _prepare(edit: Edit) -> tuple[Path, Path]:
    """Write the new text beside the file; a link is followed, so that it stays a link."""
    target = Path(os.path.realpath(edit.path))
    temporary: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(edit.after.encode(edit.encoding))
            file.flush()
            os.fsync(file.fileno())
        _as_before(temporary, target)
    except BaseException as error:
        if temporary is not None:
            temporary.unlink()
        if isinstance(error, OSError):
            raise CommandError(
                f"{edit.path} cannot be written. Nothing was written.", why=str(error)
            ) from error
        raise
    return temporary, target


def _as_before(temporary: Path, target: Path) -> None:
    """Give a new file the permissions of the old one, and its owner where that is allowed; else the usual ones."""
    if not target.exists():
        temporary.chmod(0o666 & ~_umask())
        return
    shutil.copymode(target, temporary)
    found = target.stat()
    if hasattr(os, "chown") and (found.st_uid, found.st_gid) != (os.getuid(), os.getgid()):
        with suppress(PermissionError):
            os.chown(temporary, found.st_uid, found.st_gid)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
