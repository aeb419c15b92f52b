"""Run steps over a project, each on what those before it have made of its files. Nothing is written.

What comes of the edits of a file is parsed at once: if it is not Python any more, that is a defect of the step. The
file is fixed then and the step runs again, so that whoever uses what is in that file knows that it stays as it is.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from hermetic.code import is_test_path
from hermetic.errors import CommandError
from hermetic.migrate.comments import commenting
from hermetic.migrate.step import Left, Outcome, Project, Review, Step, TestName
from hermetic.migrate.steps import STEPS
from hermetic.migrate.text import SourceText
from hermetic.source.configuration import find_configuration
from hermetic.source.modules import Module, edited
from hermetic.source.project import other_projects, read_project
from hermetic.source.requirements import read_loosely
from hermetic.source.sources import Sources, relative
from hermetic.source.suite_modules import named_plugins, with_helpers
from hermetic.source.symbols import Symbols
from hermetic.source.trees import Trees

WRITABLE = 0o222
Told = TypeVar("Told", Left, Review)


@dataclass(frozen=True)
class Change:
    """What becomes of a file.

    Attributes:
        file: The file.
        before: What is in it.
        after: What would be.
        lines: For each of its lines, from the first, which one it is then.
        steps: The names of the steps that change it.
    """

    file: Path
    before: bytes
    after: bytes
    lines: tuple[int, ...]
    steps: tuple[str, ...]


@dataclass(frozen=True)
class Migration:
    """What the steps make of a project.

    Attributes:
        project: The project as they leave it.
        changes: The files that change, by path.
        converted: The tests that are asynchronous then, and were not, or whose client is.
        left: The tests that stay, and why; the lines are those of the files as they are.
        review: The lines that a person had better read, likewise.
        notes: What of the project could not be read or changed.
        defects: What hermetic itself did wrong; those files stay as they are.
    """

    project: Project
    changes: tuple[Change, ...] = ()
    converted: frozenset[TestName] = frozenset()
    left: tuple[Left, ...] = ()
    review: tuple[Review, ...] = ()
    notes: tuple[str, ...] = ()
    defects: tuple[str, ...] = ()

    @property
    def written(self) -> Migration:
        """The same, with the lines that the files have once they are written."""
        lines = {change.file: change.lines for change in self.changes}
        return replace(self, left=_forth(self.left, lines), review=_forth(self.review, lines))


def migrate(
    directory: Path,
    *,
    steps: Iterable[Step] = STEPS,
    keep: Mapping[TestName, tuple[str, str]] | None = None,
) -> Migration:
    """Return what steps make of the project to which a directory belongs.

    Args:
        directory: Any folder of it.
        steps: The steps, in their order.
        keep: The tests that must stay as they are, and the code and text of why.

    Raises:
        ConfigurationError: The directory, or a file of configuration, cannot be read.
    """
    return migrated(replace(read(directory), keep=keep or {}), steps)


def read(directory: Path) -> Project:
    """Read the project to which a directory belongs, and tell which of its files cannot be changed.

    Raises:
        ConfigurationError: The directory, or a file of configuration, cannot be read.
    """
    symbols = read_project(directory, Trees())
    configuration = find_configuration(symbols.sources.root, symbols.sources.boundary)
    symbols = with_helpers(symbols, named_plugins(configuration))
    place = directory.resolve()
    others = other_projects(place, symbols.sources, lambda file: _has_client(file, place))
    symbols.sources.drop_bodies()
    return Project(symbols, configuration, fixed=dict(_fixed(symbols.sources)), others=tuple(others))


def limited(project: Project, place: Path) -> Project:
    """Return a project of which only what lies in a place is changed; the rest of it is read all the same.

    Args:
        project: The project.
        place: A file, or a folder. The project's own, or one around it, sets no limit.

    Raises:
        ConfigurationError: It has no file of the project.
    """
    place, sources = place.resolve(), project.symbols.sources
    if sources.root.is_relative_to(place):
        return project
    known = {*sources.modules, *(each.path for each in sources.skipped)}
    if not any(file.is_relative_to(place) for file in known):
        raise CommandError(
            f"{place} has no Python file of the project {sources.root}.",
            hints=("PATH is the project's directory, or a file or a folder of it",),
        )
    outside = frozenset(file for file in sources.modules if not file.is_relative_to(place))
    why = f"is outside of {relative(place, sources.root)}, and nothing else is changed"
    return replace(
        project,
        fixed={**dict.fromkeys(outside, why), **project.fixed},
        outside=outside,
    )


def migrated(
    project: Project,
    steps: Iterable[Step],
    *,
    comment: bool = False,
    starting: Callable[[Step], None] = lambda step: None,
) -> Migration:
    """Return what steps make of a project.

    Args:
        project: The project.
        steps: The steps, in their order.
        comment: Whether to say above each test that is left why it is.
        starting: Is told of each step before it runs.
    """
    made: list[_Made] = []
    after = project
    for step in steps:
        starting(step)
        made.append(_make(step, after))
        after = made[-1].project
    converted = frozenset[TestName]().union(*(each.outcome.converted for each in made))
    left = [each for one in made for each in one.outcome.left if each.test.file not in project.outside]
    made.append(_make(commenting(left, converted, adding=comment), after))
    after = made[-1].project
    return Migration(
        after,
        tuple(_changes(project, made, after)),
        converted,
        tuple(
            each
            for each in _back([each.outcome.left for each in made], made)
            if each.test.file not in project.outside
        ),
        tuple(_back([each.outcome.review for each in made], made)),
        (*_unread(project), *(note for each in made for note in each.notes)),
        tuple(defect for each in made for defect in each.defects),
    )


@dataclass(frozen=True)
class _Made:
    """What one step has made.

    Attributes:
        step: The step.
        outcome: What it returned.
        project: The project as it leaves it.
        lines: Of the files that it has changed, which line each of theirs is then.
        notes: What it would have changed, but for the file.
        defects: What it did wrong.
    """

    step: Step
    outcome: Outcome
    project: Project
    lines: Mapping[Path, list[int]]
    notes: tuple[str, ...]
    defects: tuple[str, ...]


def _make(step: Step, project: Project) -> _Made:
    defects: list[str] = []
    while True:
        outcome = step.run(project)
        project.symbols.sources.drop_bodies()
        modules, broken = _edited(outcome, project)
        if not broken:
            break
        defects += [f"{file} is left as it is: the step {step.name} {why}" for file, why in broken.items()]
        project = replace(project, fixed={**project.fixed, **broken})
    return _Made(
        step,
        outcome,
        _with({file: module for file, (module, _) in modules.items()}, project),
        {file: lines for file, (_, lines) in modules.items()},
        tuple(_held(step, outcome, project)),
        tuple(defects),
    )


def _edited(
    outcome: Outcome, project: Project
) -> tuple[dict[Path, tuple[Module, list[int]]], dict[Path, str]]:
    """Return the modules that change, with where their lines go, and the files whose edits cannot be made, and why."""
    modules: dict[Path, tuple[Module, list[int]]] = {}
    broken: dict[Path, str] = {}
    for file, edits in outcome.edits.items():
        module = project.symbols.sources.modules[file]
        if not edits or file in project.fixed:
            continue
        try:
            text = SourceText(module.text)
            after = text.edited(edits)
            if after != module.text:
                modules[file] = edited(module, after), text.lines_after(edits)
                project.symbols.drop_tree(file)
        except SyntaxError as error:
            broken[file] = f"would make of it what is not Python (line {error.lineno}: {error.msg})"
        except ValueError as error:
            broken[file] = f"cannot change it ({error})"
    return modules, broken


def _held(step: Step, outcome: Outcome, project: Project) -> Iterator[str]:
    """Yield what would have been changed were it not fixed, and why it is; defects are told already."""
    for file, edits in outcome.edits.items():
        if edits and file in project.fixed and file not in project.outside:
            yield f"{file} is left as it is by {step.name}: it {project.fixed[file]}"


def _with(modules: Mapping[Path, Module], project: Project) -> Project:
    if not modules:
        return project
    sources = project.symbols.sources
    return replace(project, symbols=Symbols(replace(sources, modules={**sources.modules, **modules})))


def _changes(project: Project, made: Sequence[_Made], after: Project) -> Iterator[Change]:
    """Yield what becomes of each file; of a file and a link to it, the file."""
    files = {file for each in made for file in each.lines}
    for file in sorted(files):
        before, now = (each.symbols.sources.modules[file].text for each in (project, after))
        target = Path(os.path.realpath(file))
        if now != before and (file == target or target not in files):
            changing = [each for each in made if file in each.lines]
            lines = _composed([each.lines[file] for each in changing])
            yield Change(file, before, now, lines, tuple(each.step.name for each in changing))


def _composed(moves: Sequence[list[int]]) -> tuple[int, ...]:
    first, *others = moves
    for lines in others:
        first = [lines[line - 1] for line in first]
    return tuple(first)


def _fixed(sources: Sources) -> Iterator[tuple[Path, str]]:
    """Yield the files of a project that cannot be changed, and why."""
    boundary = os.path.realpath(sources.boundary)
    for file, module in sources.modules.items():
        target = Path(os.path.realpath(file))
        if not target.is_relative_to(boundary):
            yield file, f"is a link out of the project, to {target}"
        elif not target.stat().st_mode & WRITABLE:
            yield file, "is read-only"
        elif not os.access(target.parent, os.W_OK):
            yield file, "lies in a folder in which nothing can be written"
        elif not module.text.isascii() and not _is_written_back(module.text):
            yield file, "has characters that its encoding writes in several ways"


def _has_client(file: Path, directory: Path) -> bool:
    return is_test_path(file.relative_to(directory)) and "TestClient(" in read_loosely(file)


def _is_written_back(data: bytes) -> bool:
    """Whether a file comes out as it was, to the byte; some encodings write one text in several ways."""
    try:
        return SourceText(data).edited([]) == data
    except (SyntaxError, ValueError):
        return False


def _unread(project: Project) -> Iterator[str]:
    for each in project.symbols.sources.skipped:
        yield f"{each.path} was not read: {each.reason}"
    for folder in project.others:
        yield f"{folder} is a project of its own, and was not read: give it for PATH"


def _back(told: Sequence[Iterable[Told]], made: Sequence[_Made]) -> list[Told]:
    """Return what steps told, with the lines that the files have before the first of them, by these lines."""
    found: list[Told] = []
    for index, some in enumerate(told):
        for each in some:
            line = each.line
            for earlier in reversed(made[:index]):
                if each.file in earlier.lines:
                    line = max(1, bisect_right(earlier.lines[each.file], line))
            found.append(replace(each, line=line))
    return sorted(found, key=lambda each: (each.file, each.line))


def _forth(told: Iterable[Told], lines: Mapping[Path, Sequence[int]]) -> tuple[Told, ...]:
    return tuple(
        replace(each, line=lines[each.file][each.line - 1]) if each.file in lines else each for each in told
    )
