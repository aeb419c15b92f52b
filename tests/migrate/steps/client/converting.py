"""A project in which the client's step is run, in process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hermetic.migrate.step import Outcome, TestName
from hermetic.migrate.step import Project as Read
from hermetic.migrate.steps.client import CLIENT
from hermetic.migrate.text import SourceText
from hermetic.source.configuration import Configuration
from hermetic.source.modules import edited
from hermetic.source.sources import read_sources
from hermetic.source.symbols import Symbols
from hermetic.source.trees import Trees
from tests.source.projects import Project

SETTINGS: dict[str, dict[str, object]] = {
    "auto": {
        "asyncio_mode": "auto",
        "asyncio_default_fixture_loop_scope": "session",
        "asyncio_default_test_loop_scope": "session",
    },
    "strict": {"asyncio_mode": "strict", "asyncio_default_fixture_loop_scope": "function"},
    "anyio": {"addopts": "-p no:asyncio"},
}


@dataclass(frozen=True)
class Converted:
    """What comes of a project.

    Attributes:
        root: Where it is.
        texts: What is in its files then.
        outcome: What the step returned.
    """

    root: Path
    texts: Mapping[str, str]
    outcome: Outcome

    @property
    def left(self) -> dict[str, str]:
        """The codes by the names of the tests that stay."""
        return {each.test.path: each.code for each in self.outcome.left}

    @property
    def why(self) -> dict[str, str]:
        """What stands in the way, by the names of the tests that stay."""
        return {each.test.path: each.text for each in self.outcome.left}

    @property
    def converted(self) -> set[str]:
        """The names of the tests that are converted."""
        return {each.path for each in self.outcome.converted}


def convert(
    project: Project,
    files: Mapping[str, str],
    runner: str = "auto",
    *,
    keep: Mapping[str, tuple[str, str]] | None = None,
    settings: Mapping[str, object] | None = None,
    fixed: Mapping[str, str] | None = None,
) -> Converted:
    """Write a project's files and run the step.

    Args:
        project: The project.
        files: The files, by their names.
        runner: Whose settings it has.
        keep: The tests that must stay, as ``file::test``, and why.
        settings: More of pytest's.
        fixed: The files that cannot be changed, and why.
    """
    project.write(dict(files))
    symbols = Symbols(read_sources(project.root, trees=Trees()))
    configuration = Configuration(
        project.root / "pytest.ini", ("pytest",), "", {**SETTINGS[runner], **(settings or {})}
    )
    kept = {
        TestName(project.root / name.partition("::")[0], name.partition("::")[2]): why
        for name, why in (keep or {}).items()
    }
    unchanged = {project.root / name: why for name, why in (fixed or {}).items()}
    return _run(project.root, files, Read(symbols, configuration, kept, unchanged))


def again(found: Converted, runner: str = "auto") -> Outcome:
    """Write what the step has made, and run it on that."""
    for name, text in found.texts.items():
        (found.root / name).write_bytes(text.encode())
    configuration = Configuration(found.root / "pytest.ini", ("pytest",), "", SETTINGS[runner])
    return CLIENT.run(Read(Symbols(read_sources(found.root, trees=Trees())), configuration))


def _run(root: Path, files: Mapping[str, str], read: Read) -> Converted:
    outcome = CLIENT.run(read)
    texts = {}
    for name in files:
        module = read.symbols.sources.modules.get(root / name)
        if module is not None:
            text = SourceText(module.text).edited(outcome.edits.get(root / name, ()))
            edited(module, text)
            texts[name] = text.decode()
    return Converted(root, texts, outcome)
