"""Read a Markdown page into projects: which files it shows, and which commands with which output.

A page is written for people, so what a test needs to know is kept out of their sight or helps them too:

- A block whose first line is a comment with a file name (``# tests/test_users.py``) is that file.
- A ``console`` block is a command (``$ pytest -q``) and what it prints; ``...`` stands for anything left out.
- An ``sh`` block is commands without their output; each must be of a kind that a test knows to check.
- ``<!-- project: NAME -->`` begins a new folder. It holds the example service, as ``app`` (as ``backend.app`` if the
  example says so), and the configuration of ``DEFAULT_INI`` until the page shows another. ``<!-- project: NAME, with
  FOLDER -->``: the files of that folder of the repository, too.
- ``<!-- literal: WHY -->`` before a block: it is shown and not run, for the reason given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

DEFAULT_INI = """\
[pytest]
pythonpath = .
asyncio_mode = auto
asyncio_default_fixture_loop_scope = session
asyncio_default_test_loop_scope = session
hermetic_app = app.main:app
"""

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_DIRECTIVE = re.compile(r"<!-- *(?P<word>project|literal): *(?P<value>.*?) *-->", re.DOTALL)
_FILE_NAME = re.compile(r"^(?:#|--) (?P<name>[\w./-]+\.(?:py|ini|toml|sql|yaml))$")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        page: The page's path from the repository's root.
        line: Where it begins.
        language: The word behind the fence.
        text: What stands in it, without the indentation of the fence.
        name: The file that it is, if it is one.
        literal: Why it is not run; empty when it is.
    """

    page: str
    line: int
    language: str
    text: str
    name: str | None
    literal: str

    @property
    def is_console(self) -> bool:
        """Whether it shows commands and what they print."""
        return self.language == "console" and not self.literal

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Example:
    """The blocks of one project of a page, in their order, and the folder whose files it has as well."""

    page: str
    name: str
    blocks: list[Block] = field(default_factory=list)
    folder: str = ""

    def __str__(self) -> str:
        return f"{Path(self.page).name}-{self.name}"


def pages() -> list[Path]:
    """Return every page for users."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(path: Path) -> list[Block]:
    """Return the fenced blocks of a page."""
    return [found for found in _parts(path) if isinstance(found, Block)]


def examples(path: Path) -> list[Example]:
    """Return the projects of a page."""
    page = path.relative_to(ROOT).as_posix()
    found = [Example(page, "page")]
    for part in _parts(path):
        if isinstance(part, str):
            name, _, folder = part.partition(", with ")
            found.append(Example(page, name, folder=folder))
        elif part.is_console or (part.name and not part.literal):
            found[-1].blocks.append(part)
    return [example for example in found if example.blocks]


def _parts(path: Path) -> Iterator[Block | str]:
    """Yield the blocks of a page, and the name of each project where it begins."""
    text = path.read_text(encoding="utf-8")
    page = path.relative_to(ROOT).as_posix()
    fences = list(_FENCE.finditer(text))
    begin = 0
    for fence in fences:
        literal = ""
        between = text[begin : fence.start()]
        for directive in _DIRECTIVE.finditer(between):
            if directive["word"] == "project":
                yield directive["value"]
            elif not between[directive.end() :].strip():
                literal = directive["value"]
        begin = fence.end()
        body = "".join(line.removeprefix(fence["indent"]) for line in fence["text"].splitlines(keepends=True))
        named = _FILE_NAME.match(body.partition("\n")[0])
        line = text.count("\n", 0, fence.start()) + 1
        yield Block(page, line, fence["language"], body, named["name"] if named else None, literal)
