"""Engines in memory of an application and of its tests, in any order: who shares a database, and for how long."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from sqlalchemy import Engine, make_url, text

from hermetic.owners import PROCESS, Owner, owned_by
from tests.database.test_memory import MEMORY, Suite, path, write

PRIVATE = ""


class Made:
    """An engine, and what is known of it."""

    def __init__(self, engine: Engine, by: str, name: str) -> None:
        self.engine = engine
        self.is_private = name == PRIVATE
        self.is_application = by == "app.py"
        self.name = name


class Machine(RuleBasedStateMachine):
    """Makes engines, uses them, and goes from test to test."""

    @initialize(declared=st.booleans())
    def begin(self, declared: bool) -> None:
        """Start a run, whose environment gives the URL or does not."""
        self.folder = tempfile.TemporaryDirectory()
        self.suite = Suite(Path(self.folder.name).resolve())
        self.declared = declared
        if declared:
            self.suite.databases.declare(make_url(MEMORY))
        self.made: list[Made] = []
        self.test = Owner("test", "test", "function")
        self.used: dict[Made, str] = {}
        self.wrote: set[Made] = set()

    def teardown(self) -> None:
        """End the run."""
        for each in self.made:
            each.engine.dispose()
        self.made.clear()
        self.used.clear()
        self.suite.installation.uninstall()
        self.suite.databases.inventory.stop()
        self.folder.cleanup()

    @rule(
        by=st.sampled_from(["app.py", "test_a.py"]),
        name=st.sampled_from([PRIVATE, PRIVATE, "x", "y"]),
        in_the_test=st.booleans(),
    )
    def make(self, by: str, name: str, in_the_test: bool) -> None:
        """Make an engine, in the test or for the process."""
        with owned_by(self.test if in_the_test else PROCESS):
            engine = self.suite.share(name, by) if name else self.suite.make(by=by)
        self.made.append(Made(engine, by, name))

    @precondition(lambda self: self.made)
    @rule(data=st.data())
    def use(self, data: st.DataObject) -> None:
        """Write with an engine, perhaps one of an earlier test's: nothing is there but what this test wrote."""
        made = data.draw(st.sampled_from(self.made))
        with owned_by(self.test):
            self.used[made] = where = path(made.engine)
            if where and not any(self.used[each] == where for each in self.wrote):
                assert not _has_rows(made.engine)
            write(made.engine)
        self.wrote.add(made)
        self.check()

    def check(self) -> None:
        """Two engines that the test used are on one database where that must be, and nowhere else."""
        primary = self.suite.databases.primary().url.database
        for one, first in self.used.items():
            for two, second in self.used.items():
                assert one is two or self.may_be(one, two, first == second), (
                    vars(one),
                    vars(two),
                    first,
                    second,
                )
            if one.is_private and not one.is_application:
                assert first == primary or (first == "" and not self.declared)

    def may_be(self, one: Made, two: Made, are_one: bool) -> bool:
        """Whether two engines may be on one database, or on two."""
        if one.is_private and two.is_private:
            if self.declared:
                return are_one
            return not (are_one and one.is_application and two.is_application)
        if one.is_private or two.is_private:
            private = one if one.is_private else two
            return (
                not are_one or not private.is_application
            )  # a test's may stand for the primary, whatever its name
        return are_one is (one.name == two.name)

    @rule()
    def end(self) -> None:
        """Go to the next test."""
        self.suite.restore()
        self.test.alive = False
        self.used.clear()
        self.wrote.clear()
        self.test = Owner("test", "test", "function")
        self.suite.restore()
        assert len(self.suite.databases.inventory.all()) <= 1 + len(self.made)


def _has_rows(engine: Engine) -> bool:
    with engine.connect() as connection:
        found = connection.scalar(text("SELECT count(*) FROM sqlite_master WHERE name = 'own'"))
        return bool(found)


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
