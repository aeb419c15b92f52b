"""Verify a migration for ``--verify``, and say what came of it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from hermetic.cli.lines import count, shown, topic
from hermetic.cli.migrate.shown_tests import by_file, first, shown_test
from hermetic.migrate.migration import Migration
from hermetic.migrate.step import Project
from hermetic.migrate.verify.figures import Figures, Proof, figures, proof
from hermetic.migrate.verify.interpreter import Interpreter, find_interpreter
from hermetic.migrate.verify.process import Process
from hermetic.migrate.verify.rounds import Make, Verification, verify
from hermetic.migrate.verify.suite import Suite, words_of
from hermetic.source.requirements import activated_environment

CHANGED = "has changed meanwhile: the suite, which ran in a copy, knows its absolute path, or somebody else wrote it"
NOT_RUN = "async def functions are not natively supported"
"""What pytest says of an asynchronous test that no plugin runs."""
SILENT = "no request of their own was counted: proven by how they end, and by their assertions"


@dataclass(frozen=True)
class Verified:
    """A migration that was verified, or was not.

    Attributes:
        verification: What came of it.
        proof: What is known of the tests that are converted.
        interpreter: What ran the suite.
        worse: The tests that fare worse by the last plan, by the user's files, and how.
        unsteady: Those that did not do the same in two runs of the suite as it is.
        notes: What could not be copied, counted or collected.
    """

    verification: Verification
    proof: Proof
    interpreter: Interpreter
    worse: tuple[tuple[str, str, str], ...]
    unsteady: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def migration(self) -> Migration:
        """The last plan."""
        return self.verification.migration

    @property
    def has_runner(self) -> bool:
        """Whether some plugin ran what is asynchronous now, as far as pytest has not said otherwise."""
        return not any(NOT_RUN in text for _, text in self.verification.kept.values())

    @property
    def figures(self) -> tuple[Figures, Figures] | None:
        """What the suite did, before and after; None where no file changes."""
        return figures(self.verification)


def verified(
    project: Project, make: Make, *, python: str | None, limit: float, tell: Callable[[str], None]
) -> Verified:
    """Run a project's suite before and after a migration, in a copy.

    Args:
        project: The project.
        make: Returns the plan in which some tests are kept as they are.
        python: The project's interpreter, or its environment; None for one that lies beside it, the one
            that is activated there, or this one.
        limit: Seconds for a run.
        tell: Is told what is going on.

    Raises:
        ConfigurationError: The suite does not run, or what ran was not what is planned.
    """
    sources, configuration = project.symbols.sources, project.configuration
    activated = activated_environment(os.environ, Path.cwd(), sources.boundary)
    interpreter = find_interpreter(python, sources.around(sources.root), activated)
    with Process() as process:
        suite = Suite(
            process,
            interpreter,
            boundary=sources.boundary,
            root=sources.root,
            addopts=words_of(configuration.strings("addopts"), os.environ),
            limit=limit,
        )
        verification = verify(make, suite, tell)
        changed = [f"{shown(file)} {CHANGED}" for file in suite.changed]

    def name(file: str, path: str, parameters: str = "") -> str:
        return f"{shown(suite.original(file))}::{path}{f'[{parameters}]' if parameters else ''}"

    unsteady = verification.unsteady.items if verification.unsteady else frozenset()
    return Verified(
        verification,
        proof(verification, suite.original),
        interpreter,
        tuple((name(*each.item), each.code, each.text) for each in verification.worse),
        tuple(sorted(name(*item) for item in unsteady)),
        (*suite.notes, *changed, *_notes(verification)),
    )


def _notes(verification: Verification) -> Iterator[str]:
    before, after = verification.before, verification.after
    if before is None or after is None:
        return
    for place, why in before.record.uncollected:
        yield f"{place} is not collected as it is: {why}"
    yield from (f"not counted: {each}" for each in before.record.uncounted)
    for change in verification.migration.changes:
        if change.file not in after.imported and change.file.suffix == ".py":
            yield f"{shown(change.file)} was not imported by the run: nothing is proven of it"


def table(outcome: Verified, most: int | None) -> Iterator[str]:
    """Yield what a verification found, a topic each; of tests that share something as many as are to be named."""
    verification, known = outcome.verification, outcome.proof
    told = {left.test for left in outcome.migration.left}
    kept = sorted(each for each in verification.kept.items() if each[0] not in told)
    yield from topic("left", [f"{shown_test(test)}: {code}: {text}" for test, (code, text) in kept])
    yield from topic("worse", [f"{name}: {code}: {text}" for name, code, text in outcome.worse])
    unsteady = [f"{name} differs in two runs of the suite as it is" for name in outcome.unsteady]
    yield from topic("unsteady", first(unsteady, most))
    yield from topic("note", first(outcome.notes, most))
    yield from topic("not proven", list(_unproven(known, most)))
    yield from topic("no requests", list(_without_requests(known, most)))
    yield from topic("verified", [_verdict(outcome)])
    runs = outcome.figures
    if runs is not None:
        yield from topic("", list(_rows(*runs)))


def _verdict(outcome: Verified) -> str:
    verification = outcome.verification
    by = f"{count(verification.rounds, 'round')} with {shown(outcome.interpreter.path)}"
    if not verification.is_proven:
        return f"not: {count(len(outcome.worse), 'test')} fare{'s' if len(outcome.worse) == 1 else ''} worse after {by}"
    if verification.after is None:
        return f"nothing that changes ({by})"
    kept = Counter(code for code, _ in verification.kept.values())
    left = f", left for it: {', '.join(f'{code} {n}' for code, n in sorted(kept.items()))}" if kept else ""
    return f"{count(len(outcome.proof.proven), 'converted test')} in {by}{left}"


def _unproven(known: Proof, most: int | None) -> Iterator[str]:
    reasons = (
        (known.failed, "did not pass before"),
        (known.not_run, "did not run before"),
        (known.unsteady, "differs from run to run"),
    )
    for tests, why in reasons:
        yield from first([f"{shown_test(test)}: {why}" for test in sorted(tests)], most)


def _without_requests(known: Proof, most: int | None) -> Iterator[str]:
    """Yield the proven tests in which no request was counted, a line a file."""
    yield from by_file(known.without_requests, most)
    if known.without_requests:
        yield SILENT


def _rows(before: Figures, after: Figures) -> Iterator[str]:
    rows = [("", "before", "after"), ("passed", str(before.passed), str(after.passed))]
    for outcome in sorted(before.others | after.others):
        rows.append((outcome, str(before.others.get(outcome, 0)), str(after.others.get(outcome, 0))))
    rows.append(("requests", str(before.requests), str(after.requests)))
    rows.append(("by AsyncTestClient", str(before.through_client), str(after.through_client)))
    rows.append(("assertions", str(before.assertions), str(after.assertions)))
    rows.append(("seconds", f"{before.seconds:.1f}", f"{after.seconds:.1f}"))
    widths = [max(len(row[index]) for row in rows) for index in range(3)]
    for row in rows:
        yield f"{row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}".rstrip()


def document(outcome: Verified) -> dict[str, object]:
    """Return the same for JSON."""
    verification, known = outcome.verification, outcome.proof
    runs = outcome.figures
    return {
        "proven": verification.is_proven,
        "python": shown(outcome.interpreter.path),
        "rounds": verification.rounds,
        "before": None if runs is None else asdict(runs[0]),
        "after": None if runs is None else asdict(runs[1]),
        "converted": {
            "proven": sorted(map(shown_test, known.proven)),
            "did not pass before": sorted(map(shown_test, known.failed)),
            "did not run before": sorted(map(shown_test, known.not_run)),
            "unsteady": sorted(map(shown_test, known.unsteady)),
            "without counted requests": sorted(map(shown_test, known.without_requests)),
        },
        "left": [
            {"test": shown_test(test), "code": code, "message": text}
            for test, (code, text) in sorted(verification.kept.items())
        ],
        "worse": [{"test": name, "code": code, "message": text} for name, code, text in outcome.worse],
        "unsteady": list(outcome.unsteady),
        "notes": list(outcome.notes),
    }
