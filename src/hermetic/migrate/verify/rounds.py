"""Run the suite as it is, plan, run it as planned, and plan anew without the tests that fare worse, until none does.

What keeps a test from being converted keeps what it uses from it, too, so a plan without it is another plan, and is run
anew. Where keeping a test changes no file, because what harms it is not its own, all converted tests of its file are
kept, and then all there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hermetic.errors import CommandError
from hermetic.migrate.migration import Migration
from hermetic.migrate.step import TestName
from hermetic.migrate.verify.comparison import UNENDED, Unsteady, Worse, compare, unsteady
from hermetic.migrate.verify.suite import Run

ROUNDS = 6
"""How many plans are run."""

SLOWER, SPARE = 3, 60
"""How many times as long as before, and how many seconds more, a run may take once a suite is rewritten."""

SPARE_OF_A_TEST = 20
"""Likewise for each test."""

Keep = Mapping[TestName, tuple[str, str]]
Make = Callable[[Keep], Migration]


class Runs(Protocol):
    """Runs a suite.

    Attributes:
        limit: Seconds for a run.
    """

    limit: float

    def run(self, changes: Mapping[Path, bytes] | None = None, *, test_limit: float = 0) -> Run:
        """Run it, with some files replaced, and seconds for a test."""

    def original(self, file: str) -> Path:
        """Return the user's file of which a file is the copy."""


@dataclass(frozen=True)
class Verification:
    """What came of it.

    Attributes:
        migration: The last plan.
        before: The run of the suite as it is; None where there was nothing to verify.
        after: The run as it would be by that plan; None where it changes no file.
        kept: The tests that fared worse, and how, by which they are not converted.
        worse: Those that fare worse by the last plan, too: it is not proven.
        unsteady: What differed in two runs of the suite as it is; None where there was but one.
        rounds: How many plans were run.
    """

    migration: Migration
    before: Run | None
    after: Run | None
    kept: Keep
    worse: tuple[Worse, ...] = ()
    unsteady: Unsteady | None = None
    rounds: int = 0

    @property
    def is_proven(self) -> bool:
        """Whether no test fares worse."""
        return not self.worse


def verify(make: Make, suite: Runs, tell: Callable[[str], None] = lambda text: None) -> Verification:
    """Verify what a migration makes of a suite.

    Args:
        make: Returns the plan in which some tests are kept as they are.
        suite: The suite.
        tell: Is told what is going on.

    Raises:
        CommandError: The suite does not run, or what ran was not what is planned.
    """
    first = make({})
    if not first.changes:
        return Verification(first, None, None, {})
    tell("running the suite as it is")
    before = suite.run()
    _require_tests(before)
    rounds = _Rounds(make, suite, before, first)
    suite.limit = min(suite.limit, before.ended.seconds * SLOWER + SPARE)
    while rounds.goes_on:
        tell(f"running the suite as it would be{f', round {rounds.number + 1}' if rounds.number else ''}")
        rounds.run()
    return rounds.outcome()


class _Rounds:
    """The rounds of one verification."""

    def __init__(self, make: Make, suite: Runs, before: Run, first: Migration) -> None:
        self._make = make
        self._suite = suite
        self._before = before
        self._keep: dict[TestName, tuple[str, str]] = {}
        self._unsteady: Unsteady | None = None
        self._worse: tuple[Worse, ...] = ()
        self._after: Run | None = None
        self._test_limit = SLOWER * max(test.seconds for test in before.record.tests) + SPARE_OF_A_TEST
        self._migration = first
        self.number = 0
        self.goes_on = True

    def outcome(self) -> Verification:
        """Return what came of them."""
        return Verification(
            self._migration,
            self._before,
            self._after,
            dict(self._keep),
            self._worse,
            self._unsteady,
            self.number,
        )

    def run(self) -> None:
        """Run the suite by the present plan, and make the next one."""
        self.number += 1
        changes = {change.file: change.after for change in self._migration.changes}
        after = self._suite.run(changes, test_limit=self._test_limit)
        _require_copy(after)
        found = self._compared(after)
        self._after, self._worse = after, tuple(found)
        self.goes_on = bool(found) and self.number < ROUNDS and self._plan(found)

    def _compared(self, after: Run) -> list[Worse]:
        """Return what fares worse, but for what does so without being rewritten, too."""
        if not after.record.tests and not after.record.unfinished:
            raise _said(after, "The suite does not run once it is rewritten. Nothing was written.")
        found = compare(self._before.record, after.record, self._unsteady)
        if found and self._unsteady is None and any(each.code != UNENDED for each in found):
            again = self._suite.run()
            _require_tests(again)
            self._unsteady = unsteady(self._before.record, again.record)
            found = compare(self._before.record, after.record, self._unsteady)
        if not found and not after.record.has_ended:
            raise _said(
                after, "The suite does not come to its end once it is rewritten. Nothing was written."
            )
        return found

    def _plan(self, worse: Iterable[Worse]) -> bool:
        """Plan without some tests; return whether that is another plan."""
        changes = self._migration.changes
        for chosen in (self._named(worse), self._beside(worse), self._every(worse)):
            self._keep |= {name: why for name, why in chosen.items() if name not in self._keep}
            self._migration = self._make(self._keep)
            if self._migration.changes != changes:
                self._worse = ()
                self._after = None
                return bool(self._migration.changes)
        return False

    def _named(self, worse: Iterable[Worse]) -> Keep:
        found: dict[TestName, tuple[str, str]] = {}
        for each in worse:
            names = [TestName(self._suite.original(file), path) for file, path in each.names]
            converted = [name for name in names if name in self._migration.converted]
            found = dict.fromkeys(converted or names, (each.code, each.text)) | found
        return found

    def _beside(self, worse: Iterable[Worse]) -> Keep:
        files = {name.file: (each.code, each) for each in worse for name in self._named([each])}
        return {
            test: (
                files[test.file][0],
                f"{files[test.file][1].item.path} beside it {files[test.file][1].text}",
            )
            for test in self._migration.converted
            if test.file in files
        }

    def _every(self, worse: Iterable[Worse]) -> Keep:
        first = next(iter(worse))
        why = f"{first.item.path} of {self._suite.original(first.item.file).name} {first.text}"
        return dict.fromkeys(self._migration.converted, (first.code, why))


def _require_tests(run: Run) -> None:
    if run.ended.is_late:
        raise CommandError(
            f"The suite as it is did not end within {run.ended.seconds:.0f} s.",
            why="Nothing of the project was changed.",
            hints=("--limit SECONDS gives it more time",),
        )
    if not any(test.outcome == "passed" for test in run.record.tests):
        raise _said(run, "No test of the suite passes as it is: nothing can be proven.")
    if not run.record.has_ended:
        raise _said(run, "The suite as it is does not come to its end: nothing can be proven.")


def _said(run: Run, what: str) -> CommandError:
    return CommandError(what, why="\n".join(["pytest said:", *(f"  {line}" for line in run.ended.output)]))


def _require_copy(run: Run) -> None:
    if run.elsewhere:
        raise CommandError(
            f"{run.elsewhere[0]} was imported from there, and not from the copy in which the suite was run.",
            why="What was rewritten has not run, so nothing is proven, and nothing was written. The project is"
            " installed from its folder, or something names the folder by its absolute path.",
            hints=("install the project from a wheel into the environment that --python names",),
        )
