"""The cases: small suites before and after, one for each row of a census of 60 public repositories.

They were written from the census alone: what a person would write. A case holds both texts at once. Lines that begin
with two spaces are in both, those with ``- `` are what it was, those with ``+ `` what comes of it. ``= name: the row
of the census`` begins a case, ``@ file.py`` a file of it; ``[auto]`` before the colon names the runners for which it
is, where it is not for all; ``needs httpx<0.28`` names what must be installed for it to run as it was: what ``.venv``
has not, ``make census`` has; ``-> HM802`` says that its tests stay, and why. What comes of it is written for
pytest-asyncio in its mode ``auto``; for others marks come on top. All cases test one application, in ``service``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement

FOLDER = Path(__file__).parent / "cases"
HEAD = re.compile(
    r"= (?P<name>\w+)(?: \[(?P<runners>[\w ]+)\])?(?: needs (?P<needs>[^:]+))?(?: -> (?P<code>\w+))?: (?P<row>.+)"
)
RUNNERS = ("auto", "strict", "anyio")


@dataclass(frozen=True)
class Case:
    """A small suite before and after.

    Attributes:
        group: The file that it is written in.
        name: Its folder in the project.
        row: The row of the census.
        runners: For which runners it is.
        needs: What must be installed for its tests to run as they were; empty where all of it always is.
        code: Why its tests stay; empty where they do not.
        before: What is in its files, by their names in the project.
        after: What comes of each.
    """

    group: str
    name: str
    row: str
    runners: tuple[str, ...]
    needs: str
    code: str
    before: dict[str, str]
    after: dict[str, str]

    @property
    def is_runnable(self) -> bool:
        """Whether what its tests need as they were is installed."""
        if not self.needs:
            return True
        needed = Requirement(self.needs)
        try:
            return version(needed.name) in needed.specifier
        except PackageNotFoundError:
            return False


def cases(folder: Path = FOLDER) -> list[Case]:
    """Return all cases of a folder."""
    return [case for path in sorted(folder.glob("*.txt")) for case in _cases(path)]


def _cases(path: Path) -> Iterator[Case]:
    for part in re.split(r"^(?== )", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        head, _, files = part.partition("\n")
        found = HEAD.fullmatch(head)
        assert found, f"this begins no case: {head}"
        texts = dict(_files(files, f"tests/{found['name']}"))
        yield Case(
            path.stem,
            found["name"],
            found["row"],
            tuple((found["runners"] or " ".join(RUNNERS)).split()),
            found["needs"] or "",
            found["code"] or "",
            {name: _side(lines, "-") for name, lines in texts.items()},
            {name: _side(lines, "+") for name, lines in texts.items()},
        )


def _files(text: str, folder: str) -> Iterator[tuple[str, list[str]]]:
    for part in re.split(r"^@ ", text, flags=re.MULTILINE)[1:]:
        name, *lines = part.rstrip("\n").split("\n")
        yield f"{folder}/{name}", lines


def _side(lines: list[str], sign: str) -> str:
    kept = [line for line in lines if not line or line[0] in (" ", sign)]
    return "".join(f"{line[2:]}\n" for line in kept)
