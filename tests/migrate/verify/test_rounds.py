"""Plans that are run until no test fares worse, with a suite that only says what it did."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hermetic.errors import CommandError
from hermetic.migrate.migration import Change, Migration
from hermetic.migrate.step import TestName
from hermetic.migrate.verify.process import Ended
from hermetic.migrate.verify.record import Counts, Ran, Record
from hermetic.migrate.verify.rounds import ROUNDS, Keep, verify
from hermetic.migrate.verify.suite import Run

A, B = "/copy/test_a.py", "/copy/test_b.py"
Outcomes = Mapping[tuple[str, str], str]


def ran(file: str, path: str, outcome: str = "passed") -> Ran:
    """Return a test that sends a request."""
    return Ran(file, path, "", "", (file, path), outcome, "", Counts(1, {}, 1), (), 0.1)


def planned(tests: Iterable[tuple[str, str]]) -> Callable[[Keep], Migration]:
    """Return what plans to convert some tests, each by a line of its file."""

    def make(keep: Keep) -> Migration:
        converted = frozenset(TestName(Path(file), path) for file, path in tests) - keep.keys()
        names: dict[Path, list[str]] = {}
        for test in sorted(converted):
            names.setdefault(test.file, []).append(test.path)
        changes = [Change(file, b"", "\n".join(paths).encode(), (), ()) for file, paths in names.items()]
        project: Any = None
        return Migration(project, tuple(changes), converted)

    return make


class FakeSuite:
    """A suite of which some tests fail once they, or others, are converted.

    Args:
        tests: All of its tests.
        failing: Says which fail, by the tests that are converted.
    """

    limit = 1000.0

    def __init__(
        self,
        tests: Iterable[tuple[str, str]],
        failing: Callable[[set[tuple[str, str]]], Iterable[tuple[str, str]]],
    ) -> None:
        self._tests = list(tests)
        self._failing = failing
        self.runs = 0

    def run(self, changes: Mapping[Path, bytes] | None = None, *, test_limit: float = 0) -> Run:
        self.runs += 1
        assert (test_limit > 0) is bool(changes)
        converted = {
            (str(file), path) for file, text in (changes or {}).items() for path in text.decode().split("\n")
        }
        failed = set(self._failing(converted))
        tests = tuple(ran(*test, "failed" if test in failed else "passed") for test in self._tests)
        return Run(Record(tests, has_ended=True, workers=1), Ended(0, False, 1.0, ("said",)))

    def original(self, file: str) -> Path:
        return Path(file)


TESTS = [(A, "test_a1"), (A, "test_a2"), (B, "test_b1"), (B, "test_b2")]


def kept(keep: Keep) -> dict[str, str]:
    """Return the names of tests that are kept, and the codes."""
    return {test.path: code for test, (code, _) in keep.items()}


def test_all_is_well() -> None:
    """Two runs are enough, and the second has a limit by the first."""
    suite = FakeSuite(TESTS, lambda converted: ())
    outcome = verify(planned(TESTS), suite)
    assert (outcome.is_proven, outcome.rounds, suite.runs, suite.limit) == (True, 1, 2, 63)
    assert len(outcome.migration.converted) == 4 and not outcome.kept


def test_there_is_nothing_to_do() -> None:
    """Nothing is run then."""
    suite = FakeSuite(TESTS, lambda converted: ())
    outcome = verify(planned([]), suite)
    assert (outcome.is_proven, outcome.before, suite.runs) == (True, None, 0)


def test_a_test_that_fails_is_left() -> None:
    """The others are converted, by a plan that is run, too."""
    suite = FakeSuite(TESTS, lambda converted: converted & {TESTS[1]})
    outcome = verify(planned(TESTS), suite)
    assert (outcome.is_proven, outcome.rounds, suite.runs) == (True, 2, 4)
    assert kept(outcome.kept) == {"test_a2": "HM851"}
    assert len(outcome.migration.converted) == 3 and outcome.after is not None


def test_a_test_that_another_one_breaks() -> None:
    """Keeping a test that is not converted changes nothing, so that those beside it are kept."""
    suite = FakeSuite(TESTS, lambda converted: [TESTS[1]] if TESTS[0] in converted else [])
    outcome = verify(planned([TESTS[0], *TESTS[2:]]), suite)
    assert outcome.is_proven
    assert kept(outcome.kept) == {"test_a1": "HM851", "test_a2": "HM851"}
    assert {test.path for test in outcome.migration.converted} == {"test_b1", "test_b2"}


def test_a_test_that_another_file_breaks() -> None:
    """All are kept then, and nothing is run any more."""
    suite = FakeSuite(TESTS, lambda converted: [TESTS[0]] if converted else [])
    outcome = verify(planned(TESTS[2:]), suite)
    assert (outcome.is_proven, outcome.after, outcome.migration.changes) == (True, None, ())


def test_it_ends() -> None:
    """Where each plan has another fault, no more are made after some rounds, and nothing is proven."""
    many = [(f"/copy/test_{number}.py", "test_it") for number in range(20)]
    suite = FakeSuite(many, lambda converted: sorted(converted)[-1:])
    outcome = verify(planned(many), suite)
    assert (outcome.is_proven, outcome.rounds) == (False, ROUNDS)
    assert len(outcome.worse) == 1


def test_a_test_that_fails_now_and_then() -> None:
    """It fails in a second run of the suite as it is, too, and so says nothing of the plan."""

    class Flaky(FakeSuite):
        def run(self, changes: Mapping[Path, bytes] | None = None, *, test_limit: float = 0) -> Run:
            first = self.runs == 0
            done = super().run(changes, test_limit=test_limit)
            tests = [replace(test, outcome="passed" if first else "failed") for test in done.record.tests[:1]]
            return replace(done, record=replace(done.record, tests=(*tests, *done.record.tests[1:])))

    outcome = verify(planned(TESTS), Flaky(TESTS, lambda converted: ()))
    assert outcome.is_proven and not outcome.kept
    assert outcome.unsteady is not None and len(outcome.unsteady.outcomes) == 1


def test_what_cannot_be_proven() -> None:
    """No test passes, the suite does not end, or runs no more once it is rewritten; or what ran is something else."""
    with pytest.raises(CommandError, match="nothing can be proven") as raised:
        verify(planned(TESTS), FakeSuite(TESTS, lambda converted: TESTS))
    assert raised.value.why == "pytest said:\n  said"

    class Other(FakeSuite):
        def __init__(self, *changes: dict[str, Any]) -> None:
            super().__init__(TESTS, lambda converted: TESTS[:1] if converted and changes[2:] else ())
            self._changes = changes

        def run(self, changes: Mapping[Path, bytes] | None = None, *, test_limit: float = 0) -> Run:
            done = super().run(changes, test_limit=test_limit)
            return replace(done, **self._changes[self.runs - 1])

    late = {"ended": Ended(-9, True, 60.0, ())}
    with pytest.raises(CommandError, match="did not end within 60 s"):
        verify(planned(TESTS), Other(late, {}))
    cut = {"record": Record((ran(*TESTS[0]),))}
    with pytest.raises(CommandError, match="The suite as it is does not come to its end"):
        verify(planned(TESTS), Other(cut, {}))
    with pytest.raises(CommandError, match="The suite as it is does not come to its end"):
        verify(planned(TESTS), Other({}, {}, cut))
    with pytest.raises(CommandError, match="does not come to its end once it is rewritten"):
        verify(planned(TESTS), Other({}, cut))
    with pytest.raises(CommandError, match="does not run once it is rewritten"):
        verify(planned(TESTS), Other({}, {"record": Record()}))
    with pytest.raises(CommandError, match=r"/home/test_a.py was imported from there, and not from the copy"):
        verify(planned(TESTS), Other({}, {"elsewhere": (Path("/home/test_a.py"),)}))
