"""FastAPI's own suite, rewritten by ``hermetic migrate``: how much of it is converted, and what it does then.

Two runs in strict mode, with every warning an error, one of the suite as it is, one of a copy that was rewritten by the
safe steps. What must hold: nine in ten of the functions that ask an application by TestClient do so by AsyncTestClient
alone, 98 of 100 items that pass still do, and none of these with fewer requests or assertions than before.
"""

from __future__ import annotations

import os
import subprocess
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

from hermetic.migrate.migration import Migration, migrate
from hermetic.migrate.steps import STEPS
from hermetic.migrate.verify.comparison import ASSERTIONS, REQUESTS, UNAWAITED, Worse, by_item, compare
from hermetic.migrate.verify.record import FOLDER, Counts, Ran, Record, read

OLD, NEW = "TestClient", "AsyncTestClient"
CONVERTED, KEPT = 0.9, 0.98
VACUOUS = frozenset({REQUESTS, ASSERTIONS, UNAWAITED})


@dataclass(frozen=True)
class Rewritten:
    """What a suite does as it is and rewritten.

    Attributes:
        before: What ran in the one.
        after: What ran in the other.
    """

    before: Record
    after: Record

    @property
    def worse(self) -> list[Worse]:
        """The items that fare worse."""
        return compare(self.before, self.after)

    @property
    def passing(self) -> int:
        """How many items pass as it is."""
        return sum(test.outcome == "passed" for test in by_item(self.before).values())

    @property
    def asking(self) -> set[tuple[str, str]]:
        """The functions that ask an application by TestClient."""
        return {name for name, sent in _sent(self.before).items() if sent[OLD]}

    @property
    def converted(self) -> set[tuple[str, str]]:
        """Those of them that ask by AsyncTestClient instead, whatever their parameters."""
        sent = _sent(self.after)
        return {name for name in self.asking if sent[name][NEW] and not sent[name][OLD]}


def _counted(record: Record) -> Counts:
    """Return what ran in all tests, and in what they share."""
    whole = Counts()
    for counts in (*(each.counts for each in record.tests), *(each.counts for each in record.shared)):
        whole.add(counts)
    return whole


def _sent(record: Record) -> dict[tuple[str, str], Counter[str]]:
    """Return how many requests each test function has sent, by client; a file goes by its place in the suite."""
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for test in record.tests:
        found[test.file, test.path].update(test.counts.sent)
    return found


def rewrite(folder: Path) -> Migration:
    """Rewrite a suite in its folder, by the steps that are safe."""
    found = migrate(folder, steps=[step for step in STEPS if step.is_safe])
    for change in found.changes:
        change.file.write_bytes(change.after)
    return found


def count(folder: Path, command: list[str], environment: dict[str, str], into: Path) -> Record:
    """Run a suite, and return what ran in its tests, whose files are named as they lie in the folder."""
    into.mkdir()
    strictly = ["-W", "error", "-W", "error::pytest.PytestUnraisableExceptionWarning"]
    strictly += ["-o", "enable_assertion_pass_hook=true"]
    done = subprocess.run(
        [*command, "-p", "hermetic.pytest_plugin.counting", *strictly],
        cwd=folder,
        env={**environment, FOLDER: str(into), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    (into / "output.txt").write_text(done.stdout + done.stderr)
    return _within(read(into), folder)


def _within(record: Record, folder: Path) -> Record:
    def named(test: Ran) -> Ran:
        file, defined = (os.path.relpath(each, folder) for each in (test.file, test.defined[0]))
        return replace(test, file=file, defined=(defined, test.defined[1]))

    return replace(record, tests=tuple(map(named, record.tests)))


def said(name: str, migration: Migration, runs: Rewritten) -> list[str]:
    """Return what came of it, in lines."""
    worse = runs.worse
    left = Counter(each.code for each in migration.left)
    share = len(runs.converted) / max(len(runs.asking), 1)
    kept = runs.passing - sum(each.code not in VACUOUS for each in worse)
    first, second = _counted(runs.before), _counted(runs.after)
    return [
        f"{name}, rewritten by hermetic migrate: {len(migration.converted)} test functions converted,"
        f" {len(migration.left)} left ({', '.join(f'{code} {number}' for code, number in sorted(left.items()))})",
        f"  {len(runs.asking)} functions ask by {OLD}; {len(runs.converted)} of them ({share:.1%}) then by {NEW} alone",
        f"  {runs.passing} items pass as it is; {kept} of them ({kept / max(runs.passing, 1):.1%}) rewritten",
        f"  {first.requests} requests reach its applications as it is, {second.requests} rewritten;"
        f" {first.assertions} assertions pass as it is, {second.assertions} rewritten",
        *(f"  {each.code} {each.item}: {each.text}" for each in worse),
        *(f"  {defect}" for defect in migration.defects),
    ]


def holds(migration: Migration, runs: Rewritten) -> bool:
    """Whether what must hold does."""
    worse = runs.worse
    lost = sum(each.code not in VACUOUS for each in worse)
    return (
        not migration.defects
        and runs.passing > 0
        and len(runs.converted) >= CONVERTED * len(runs.asking)
        and runs.passing - lost >= KEPT * runs.passing
        and not any(each.code in VACUOUS for each in worse)
    )
