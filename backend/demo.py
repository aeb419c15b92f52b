"""What ``make demo`` runs: the service's tests, and then what they did, in numbers.

Everything that is told was counted: commits and connections by SQLAlchemy's own events, restores by hermetic's.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, Pool, event

if TYPE_CHECKING:
    from hermetic.events.database import Restored
    from hermetic.run import Run

BACKEND = Path(__file__).parent


class Account:
    """A pytest plugin that counts."""

    def __init__(self) -> None:
        self.tests = 0
        self.commits = 0
        self.open = 0
        self.most_open = 0
        self.restores: list[float] = []
        self.left: int | None = None
        self.started = 0.0

    def pytest_sessionstart(self) -> None:
        """Start the clock."""
        self.started = perf_counter()

    def pytest_configure(self, config: pytest.Config) -> None:
        """Listen to every engine, and to each restore."""
        event.listen(Engine, "commit", self._commit)
        event.listen(Pool, "checkout", self._checkout)
        event.listen(Pool, "checkin", self._checkin)
        self._listen()

    def _listen(self) -> None:
        # Not at the top: pytest rewrites the assertions of a plugin that is not imported yet.
        from hermetic.events import listen
        from hermetic.events.database import Restored

        listen(self._restored, Restored)

    def _restored(self, restored: "Restored") -> None:
        if restored.is_changed:
            self.restores.append(restored.seconds)

    def _run(self, config: pytest.Config) -> "Run":
        from hermetic.pytest_plugin.state import RUN

        return config.stash[RUN]

    def _commit(self, _connection: Any) -> None:
        self.commits += 1

    def _checkout(self, *_: Any) -> None:
        self.open += 1
        self.most_open = max(self.most_open, self.open)

    def _checkin(self, *_: Any) -> None:
        self.open -= 1

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the tests that passed."""
        self.tests += report.when == "call" and report.passed

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Look at what is left after the last test."""
        run = self._run(session.config)
        dirty = sum(database.dirty() for database in run.databases.inventory.all())
        self.left = dirty + len(run.containment.installation.checked_out())

    def lines(self) -> Iterator[str]:
        """Say it."""
        seconds = perf_counter() - self.started
        yield f"{self.tests} tests in {seconds:.1f} s, each on a database as clean as the first one's"
        yield ""
        yield f"{self.commits:6}  transactions really committed: no mocks, no savepoints, no shared connection"
        yield f"{self.most_open:6}  connections open at once, in the busiest moment"
        if self.restores:
            each = f"in {median(self.restores) * 1000:.2f} ms (median)"
            yield f"{len(self.restores):6}  times a test left rows, and the baseline was back {each}"
        yield f"{self.left:6}  rows, transactions or connections left behind"


def main() -> int:
    """Run the tests and tell what happened; return pytest's exit status."""
    account = Account()
    status = pytest.main([str(BACKEND / "tests"), *sys.argv[1:]], plugins=[account])
    if status == pytest.ExitCode.OK:
        print()
        for line in account.lines():
            print(f"  {line}".rstrip())
        print()
        print(
            "  All of their set-up is backend/pytest.ini: there is no conftest.py. Now for your own project:"
        )
        print('      pip install "hermetic[all]" && hermetic init')
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
