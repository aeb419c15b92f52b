"""What a verification found, in numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hermetic.migrate.step import TestName
from hermetic.migrate.verify.comparison import GOOD, by_item, item_of, requests_before_and_after
from hermetic.migrate.verify.record import Counts, Ran, Record
from hermetic.migrate.verify.rounds import Verification

BAD = ("failed", "error")


@dataclass(frozen=True)
class Figures:
    """What a run of a suite did.

    Attributes:
        passed: Tests that passed, each set of parameters counted.
        others: How many ended otherwise, by how: ``{"failed": 2}``.
        requests: HTTP requests and websockets.
        through_client: Those of them that ``AsyncTestClient`` sent.
        assertions: Assertions that passed.
        seconds: How long the run took.
    """

    passed: int
    others: dict[str, int]
    requests: int
    through_client: int
    assertions: int
    seconds: float


@dataclass(frozen=True)
class Proof:
    """What is known of the tests that are converted.

    Attributes:
        proven: Those that pass as before.
        failed: Those that did not pass before.
        not_run: Those that did not run.
        unsteady: Those that do something else in each run, as they are.
        without_requests: Those of the proven ones in which no request was counted.
    """

    proven: frozenset[TestName] = frozenset()
    failed: frozenset[TestName] = frozenset()
    not_run: frozenset[TestName] = frozenset()
    unsteady: frozenset[TestName] = frozenset()
    without_requests: frozenset[TestName] = frozenset()


def figures(verification: Verification) -> tuple[Figures, Figures] | None:
    """Return what the suite did as it is, and as it would be; None where no file changes by the last plan."""
    before, after = verification.before, verification.after
    if before is None or after is None:
        return None
    requests = [requests_before_and_after(*each) for each in _counts(before.record, after.record)]
    first, second = (
        Figures(
            *_outcomes(run.record),
            sum(each[index] for each in requests),
            sum(counts.sent.get("AsyncTestClient", 0) for counts in _every(run.record)),
            sum(counts.assertions for counts in _every(run.record)),
            run.ended.seconds,
        )
        for index, run in enumerate((before, after))
    )
    return first, second


def proof(verification: Verification, original: Callable[[str], Path]) -> Proof:
    """Return what is known of each converted test.

    Args:
        verification: What came of it.
        original: Returns the user's file of which a file is the copy.
    """
    converted = verification.migration.converted
    known = verification.unsteady.items if verification.unsteady is not None else frozenset()
    unsteady: set[TestName] = set()
    ran: dict[TestName, list[Ran]] = {}
    for test in verification.before.record.tests if verification.before is not None else ():
        for file, path in {(test.file, test.path), test.defined}:
            name = TestName(original(file), path)
            ran.setdefault(name, []).append(test)
            if item_of(test) in known:
                unsteady.add(name)
    steady = converted - unsteady
    good = {name for name in steady if any(each.outcome in GOOD[:2] for each in ran.get(name, ()))}
    failed = {name for name in steady - good if any(each.outcome in BAD for each in ran.get(name, ()))}
    silent = {
        name for name in good if not any(each.counts.requests or each.counts.sent for each in ran[name])
    }
    return Proof(
        frozenset(good),
        frozenset(failed),
        steady - good - failed,
        converted & unsteady,
        frozenset(silent),
    )


def _outcomes(record: Record) -> tuple[int, dict[str, int]]:
    found: dict[str, int] = {}
    for test in by_item(record).values():
        found[test.outcome] = found.get(test.outcome, 0) + 1
    return found.pop("passed", 0), dict(sorted(found.items()))


def _every(record: Record) -> Iterator[Counts]:
    yield from (test.counts for test in record.tests)
    yield from (each.counts for each in record.shared)


def _counts(before: Record, after: Record) -> Iterator[tuple[Counts, Counts]]:
    """Yield what ran in each test before and after, and what ran outside of tests."""
    old, new = by_item(before), by_item(after)
    for item in old.keys() | new.keys():
        first, second = (found[item].counts if item in found else Counts() for found in (old, new))
        yield first, second
    shared = []
    for record in (before, after):
        whole = Counts()
        for each in record.shared:
            whole.add(each.counts)
        shared.append(whole)
    yield shared[0], shared[1]
