"""What a run says of itself where the terminal is: the header, and the summary of what its workers were told."""

from __future__ import annotations

from typing import Any

import pytest

from hermetic.report.facts import ProcessFacts, TestFacts, Totals
from hermetic.report.recorder import Recorder
from hermetic.report.shown import header_lines, summary_lines
from hermetic.run import Run


class Reporting:
    """Hooks of a run in mode ``observe`` or ``on``."""

    def __init__(self, run: Run, recorder: Recorder) -> None:
        self.run = run
        self.recorder = recorder
        self.totals = Totals()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker of xdist is done; one that died has said nothing of itself."""
        facts = ProcessFacts.of(getattr(node, "workeroutput", {}).get("hermetic"))
        if facts is None:
            self.totals.lost.append(node.gateway.id)
        else:
            self.totals.process.add(facts)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Here, or where the terminal is: what a test left travels in its report."""
        facts = TestFacts.of(getattr(report, "hermetic", None))
        if facts is not None:
            self.totals.add_test(report.nodeid, facts)

    def pytest_report_header(self) -> list[str]:
        return header_lines(self.run.settings, self.run.root)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        run = self.run
        self.totals.process.add(self.recorder.process)
        lines = summary_lines(self.totals, run.settings, run.root, run.environment.changes())
        if lines:
            terminalreporter.section("hermetic")
            for line in lines:
                terminalreporter.line(line)
