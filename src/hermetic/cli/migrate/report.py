"""Write what a migration does: as text, as JSON, or as the annotations of a workflow of GitHub's.

Every function is pure.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hermetic.cli.lines import count, shown, topic
from hermetic.cli.migrate.shown_tests import FEW, by_file, shown_test
from hermetic.migrate.migration import Migration
from hermetic.migrate.step import Left, Step, TestName

if TYPE_CHECKING:
    from hermetic.cli.migrate.verifying import Verified


@dataclass(frozen=True)
class Report:
    """What is told of a migration.

    Attributes:
        migration: The migration.
        unsafe: How many files each step would change that only ``--unsafe`` takes, if it would change some.
        is_written: Whether the files are written.
        next_steps: What the user has to do then.
        verified: What ran before and after, if it was to be verified.
        most: How many tests, and files, the text names of those that share something; None for all.
    """

    migration: Migration
    unsafe: Mapping[str, int] = field(default_factory=dict)
    is_written: bool = False
    next_steps: tuple[str, ...] = ()
    verified: Verified | None = None
    most: int | None = FEW


def text(report: Report) -> Iterator[str]:
    """Yield a line for each file."""
    did = "changed" if report.is_written else "would change"
    for change in report.migration.changes:
        yield f"{did} {shown(change.file)} ({', '.join(change.steps)})"


def as_json(report: Report) -> Iterator[str]:
    """Yield one object."""
    migration = report.migration
    document = {
        "written": report.is_written,
        "changes": [
            {"file": shown(change.file), "steps": list(change.steps)} for change in migration.changes
        ],
        "converted": sorted(map(shown_test, migration.converted)),
        "left": [
            {
                "test": shown_test(left.test),
                "code": left.code,
                "file": shown(left.file),
                "line": left.line,
                "message": left.text,
            }
            for left in migration.left
        ],
        "review": [
            {"file": shown(each.file), "line": each.line, "message": each.text} for each in migration.review
        ],
        "notes": list(migration.notes),
        "defects": list(migration.defects),
        "unsafe": dict(report.unsafe),
        "next": list(report.next_steps),
    }
    if report.verified is not None:
        from hermetic.cli.migrate.verifying import document as of_verification

        document["verification"] = of_verification(report.verified)
    yield json.dumps(document, indent=2, ensure_ascii=True)


def github(report: Report) -> Iterator[str]:
    """Yield workflow commands, which GitHub shows beside the lines."""
    from hermetic.doctor.report import annotation

    for change in report.migration.changes:
        did = "changed" if report.is_written else "would change"
        line = next((at for at, then in enumerate(change.lines, 1) if at != then), 1)
        yield annotation("notice", f"hermetic migrate {did} this file", file=shown(change.file), line=line)
    for left in report.migration.left:
        text = f"{left.test.path} is left: {left.text}"
        yield annotation("notice", text, file=shown(left.file), line=left.line, title=left.code)
    for each in report.migration.review:
        yield annotation("warning", each.text, file=shown(each.file), line=each.line, title="review")


FORMATS: dict[str, Callable[[Report], Iterator[str]]] = {"text": text, "json": as_json, "github": github}


def summary(report: Report) -> Iterator[str]:
    """Yield what is said of a migration beside what it changes, a topic each."""
    migration = report.migration
    yield from topic("left", list(_left(migration.left, report.most)))
    yield from topic("review", [f"{shown(each.file)}:{each.line}: {each.text}" for each in migration.review])
    yield from topic("note", list(migration.notes))
    yield from topic("defect", [f"{each}. Please report it" for each in migration.defects])
    yield from topic(
        "unsafe",
        [f"{name} would change {count(each, 'file')} with --unsafe" for name, each in report.unsafe.items()],
    )
    if report.verified is not None:
        from hermetic.cli.migrate.verifying import table

        yield from table(report.verified, report.most)
    yield _counted(migration)
    yield from topic("next", list(report.next_steps))


def _counted(migration: Migration) -> str:
    """Return what was done in a sentence."""
    if not migration.changes and not migration.left:
        return "nothing to do"
    converted = (
        f"{count(len(migration.converted), 'test')} converted in {count(len(migration.changes), 'file')}"
    )
    tests = {left.test for left in migration.left}
    if not tests:
        return converted
    codes = Counter(code for code, _ in {(left.code, left.test) for left in migration.left})
    by_code = ", ".join(f"{code} {number}" for code, number in sorted(codes.items()))
    return f"{converted}, {len(tests)} left ({by_code})"


def _left(left: Iterable[Left], most: int | None) -> Iterator[str]:
    """Yield a line for each reason, and below one that several tests have, these tests, a line a file."""
    reasons: dict[tuple[Path, int, str, str], list[TestName]] = {}
    for each in left:
        reasons.setdefault((each.file, each.line, each.code, each.text), []).append(each.test)
    for (file, line, code, text), tests in reasons.items():
        only = tests[0] if len(tests) == 1 else None
        name = (
            count(len(tests), "test")
            if only is None
            else only.path
            if only.file == file
            else shown_test(only)
        )
        yield f"{shown(file)}:{line}: {code}: {name}: {text}"
        if only is None:
            yield from (f"    {line}" for line in by_file(tests, most))


def listed(steps: Sequence[Step]) -> Iterator[str]:
    """Yield a line for each step."""
    width = max((len(step.name) for step in steps), default=0)
    for step in steps:
        yield f"{step.name:<{width}}  {'safe  ' if step.is_safe else 'unsafe'}  {step.summary}"


def explanation(step: Step) -> str:
    """Return what a step does, with its example."""
    safe = "safe" if step.is_safe else "unsafe: read what it makes of the files; it runs with --unsafe only"
    before, after = step.example
    parts = [f"{step.name}  {step.summary} ({safe})", _block("for example", before), _block("becomes", after)]
    return "\n\n".join(parts)


def _block(title: str, code: str) -> str:
    return "\n".join([f"{title}:", *(f"    {line}".rstrip() for line in code.splitlines())])
