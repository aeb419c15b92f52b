"""Comments that leave a line out of the report: ``# hermetic: ignore[HM720]``, on the line or alone above it."""

from __future__ import annotations

import re
from pathlib import Path

from hermetic.source.requirements import read_loosely

COMMENT = re.compile(r"#\s*hermetic:\s*ignore\[([A-Z0-9,\s]+)\]")


class Ignores:
    """Read the comments of files, each file once."""

    def __init__(self) -> None:
        self._lines: dict[Path, list[str]] = {}

    def cover(self, file: Path, line: int, code: str) -> bool:
        """Whether a comment leaves a code out at a line of a file."""
        lines = self._read(file)
        above = lines[line - 2].strip() if 2 <= line <= len(lines) + 1 else ""
        texts = [lines[line - 1] if line <= len(lines) else "", above if above.startswith("#") else ""]
        named = ",".join(match[1] for text in texts for match in COMMENT.finditer(text))
        return code in {each.strip() for each in named.split(",")}

    def column(self, file: Path, line: int, column: int) -> int:
        """Return a column from 1 in characters, of one from 0 in bytes."""
        lines = self._read(file)
        text = lines[line - 1] if line <= len(lines) else ""
        return len(text.encode("utf-8")[:column].decode("utf-8", "replace")) + 1

    def _read(self, file: Path) -> list[str]:
        if file not in self._lines:
            self._lines[file] = re.split(r"\r\n|\r|\n", read_loosely(file).removeprefix("\ufeff"))
        return self._lines[file]
