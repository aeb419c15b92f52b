"""What the verbs say fits a terminal."""

from __future__ import annotations

import fcntl
import pty
import struct
import sys
import termios
from pathlib import Path

import pytest

from hermetic.cli.lines import fitted, tell

LONG = "runner        left as it is while hermetic observes; run again with hermetic = on"


@pytest.mark.parametrize(
    ("line", "width", "parts"),
    [
        (LONG, 0, [LONG]),
        (LONG, 20, [LONG]),
        (
            LONG,
            56,
            [
                "runner        left as it is while hermetic observes; run",
                "                again with hermetic = on",
            ],
        ),
        (
            f"{'':14}  {'word ' * 6}".rstrip(),
            34,
            [f"{'':16}word word word", f"{'':18}word word word"],
        ),
        ("next: run pytest and read the summary", 30, ["next: run pytest and read the", "  summary"]),
        ("              + key = " + "a " * 30, 40, ["              + key = " + "a " * 30]),
        ("see " + "x" * 60, 40, ["see", "  " + "x" * 60]),
    ],
)
def test_a_line_is_broken_between_words(line: str, width: int, parts: list[str]) -> None:
    """And set in below its text; one that is to be copied into a file is not."""
    assert fitted(line, width) == parts


def test_a_terminal_s_width_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What goes elsewhere has its lines whole."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 50, 0, 0))
    with open(leader, encoding="utf-8") as terminal, open(follower, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        tell([LONG])
        assert terminal.readline() == "runner        left as it is while hermetic\n"
    with open(tmp_path / "file", "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        tell([LONG])
    assert (tmp_path / "file").read_text() == f"{LONG}\n"
