"""What is said of a verification."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hermetic.cli.migrate.verifying import Verified, document, table
from hermetic.migrate.migration import Migration
from hermetic.migrate.step import Left, TestName
from hermetic.migrate.verify.comparison import Item, Worse
from hermetic.migrate.verify.figures import Proof
from hermetic.migrate.verify.interpreter import Interpreter
from hermetic.migrate.verify.process import Ended
from hermetic.migrate.verify.record import Counts, Ran, Record, Shared
from hermetic.migrate.verify.rounds import Verification
from hermetic.migrate.verify.suite import Run

FILE = "/p/test_a.py"
PROJECT: Any = None


def run(outcome: str, client: str, seconds: float) -> Run:
    """Return a run of a suite of one test that sends two requests, and of a fixture that sends one."""
    test = Ran(FILE, "test_a", "", "", (FILE, "test_a"), outcome, "", Counts(2, {client: 2}, 3), (), 0.1)
    shared = Shared("::token", Counts(0, {client: 1}, 1), (FILE, "test_a"))
    return Run(Record((test,), shared=(shared,), has_ended=True), Ended(0, False, seconds, ()))


def names(*paths: str) -> frozenset[TestName]:
    """Return tests of a file."""
    return frozenset(TestName(Path(FILE), path) for path in paths)


def verified(verification: Verification, proof: Proof, **others: Any) -> Verified:
    """Return a verification by a certain interpreter."""
    told = {"worse": (), "unsteady": (), "notes": (), **others}
    return Verified(verification, proof, Interpreter(Path("/venv/bin/python"), "3.11", ()), **told)


def test_the_table() -> None:
    """Both runs in numbers; what is not proven, and why; what differs by itself, the first five of many."""
    kept = dict.fromkeys(names("test_k", "test_l"), ("HM851", "fails"))
    left = Left(TestName(Path(FILE), "test_l"), "HM851", Path(FILE), 3, "fails")
    verification = Verification(
        Migration(PROJECT, converted=names("test_a"), left=(left,)),
        run("passed", "TestClient", 4.25),
        run("failed", "AsyncTestClient", 2.0),
        kept,
        rounds=2,
    )
    proof = Proof(
        names("test_a"),
        names("test_f"),
        names(*(f"test_{number}" for number in range(7))),
        without_requests=names("test_b", "test_a"),
    )
    lines = list(table(verified(verification, proof, unsteady=("test_u",), notes=("so",)), most=5))
    assert lines == [
        "left          /p/test_a.py::test_k: HM851: fails",
        "unsteady      test_u differs in two runs of the suite as it is",
        "note          so",
        "not proven    /p/test_a.py::test_f: did not pass before",
        *(f"              /p/test_a.py::test_{number}: did not run before" for number in range(5)),
        "              and 2 more (-v names all)",
        "no requests   /p/test_a.py: test_a, test_b",
        "              no request of their own was counted: proven by how they end, and by their assertions",
        "verified      1 converted test in 2 rounds with /venv/bin/python, left for it: HM851 2",
        "                                  before  after",
        "              passed                   1      0",
        "              failed                   0      1",
        "              requests                 3      3",
        "              by AsyncTestClient       0      3",
        "              assertions               4      4",
        "              seconds                4.2    2.0",
    ]


def test_what_is_not_verified() -> None:
    """A test fares worse by the last plan; or no file changes."""
    before = run("passed", "TestClient", 1.0)
    worse = Worse(Item(FILE, "test_a"), "HM851", "fails", ((FILE, "test_a"),))
    failed = Verification(Migration(PROJECT), before, before, {}, (worse,), rounds=6)
    lines = list(table(verified(failed, Proof(), worse=(("test_a", "HM851", "fails"),)), most=5))
    assert lines[:2] == [
        "worse         test_a: HM851: fails",
        "verified      not: 1 test fares worse after 6 rounds with /venv/bin/python",
    ]
    nothing = Verification(Migration(PROJECT), before, None, {}, rounds=1)
    assert document(verified(nothing, Proof()))["before"] is None
    assert list(table(verified(nothing, Proof()), most=5)) == [
        "verified      nothing that changes (1 round with /venv/bin/python)"
    ]
