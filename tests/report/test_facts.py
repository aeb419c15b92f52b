"""Facts travel as plain dictionaries, and are summed where the terminal is."""

from __future__ import annotations

import json

import pytest

from hermetic.report.facts import Facts, ProcessFacts, TestFacts, Totals

LEFT = TestFacts(
    breaches=[["leaks", "t left one\nat a.py:3"]],
    overrides=["get_db"],
    tasks=["t started the task `poll`"],
    lock_waits=["your test holds"],
    used_in_set_up=["somebody used a database"],
    kept=["kept as x"],
)
PROCESS = ProcessFacts(
    engines=[["sqlite:///a.db", "a.py:1", "x", True, ""]],
    left_alone={"a.py:1": "why"},
    earlier={"a.db": "conftest.py:1"},
    databases={"sqlite:///a.db": True},
    named=[["sqlite", "a.db"]],
    contents=["app.db:Base.metadata"],
    server=["postgresql: embedded"],
    notes=["schema: none"],
)


@pytest.mark.parametrize("facts", [TestFacts(), LEFT, ProcessFacts(), PROCESS])
def test_there_and_back(facts: Facts) -> None:
    """What another process sends is what it was, by way of anything that takes lists, texts and numbers."""
    plain = facts.plain()
    assert json.loads(json.dumps(plain)) == plain
    assert type(facts).of(json.loads(json.dumps(plain))) == facts


@pytest.mark.parametrize("plain", [None, {}, {"version": 0, "breaches": []}])
def test_of_another_version(plain: dict[str, object] | None) -> None:
    """It is nothing, as of who has sent nothing."""
    assert TestFacts.of(plain) is None


def test_a_test_that_left_nothing() -> None:
    """Its report need not carry it."""
    assert not TestFacts()
    assert TestFacts(kept=["x"])


def test_what_workers_were_told_is_one_report() -> None:
    """What is the same once, a database that any of them wrote to written."""
    totals = Totals()
    for number in range(2):
        totals.process.add(PROCESS)
        totals.process.add(ProcessFacts(databases={"sqlite:///a.db": False}, notes=[f"gw{number}"]))
    assert totals.process == ProcessFacts(**{**vars(PROCESS), "notes": ["schema: none", "gw0", "gw1"]})


def test_what_tests_left_is_counted() -> None:
    """By what it is, with who was first."""
    totals = Totals()
    totals.add_test("first", LEFT)
    totals.add_test("second", LEFT)
    assert {what: (each.count, each.first) for what, each in totals.breaches["leaks"].items()} == {
        "at a.py:3": (2, "t left one")
    }
    assert {name: (each.count, each.first) for name, each in totals.overrides.items()} == {
        "get_db": (2, "first")
    }
    assert totals.tasks == {"t started the task `poll`": 2}
    assert list(totals.used_in_set_up) == ["somebody used a database"]
