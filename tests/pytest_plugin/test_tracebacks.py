"""What a report says of an error of ours, asked directly: what cannot be made to happen at will."""

import pytest

from hermetic.errors import ServerUnavailable
from hermetic.pytest_plugin.tracebacks import UnavailableServers


def report(nodeid: str) -> pytest.TestReport:
    return pytest.TestReport(nodeid, ("test_a.py", 0, nodeid), {}, "failed", "whole", "setup")


def test_one_server_is_said_whole_once_whatever_the_driver_says_of_it() -> None:
    servers = UnavailableServers()
    first, second, other = report("first"), report("second"), report("other")
    servers.shorten(first, ServerUnavailable("a cannot be reached.", why="Connection refused"))
    servers.shorten(second, ServerUnavailable("a cannot be reached.", why="timeout expired"))
    servers.shorten(other, ServerUnavailable("b cannot be reached.", why="Connection refused"))
    assert (first.longrepr, other.longrepr) == ("whole", "whole")
    assert second.longrepr == "a cannot be reached. [HM107] See first."
