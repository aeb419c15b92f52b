"""Say what to write before pytest-asyncio's own warning ends the run.

With its fixture loop scope unset, pytest-asyncio (1.5) warns while it is configured; where warnings are errors that
is an INTERNALERROR, twenty lines of pytest's own frames. Whether it would be one depends on the command line, the ini
file and ``PYTHONWARNINGS``, so the same warning is tried, under the filters of that moment.
"""

from __future__ import annotations

import warnings

import pytest

from hermetic.errors import EventLoopError

KEY = "asyncio_default_fixture_loop_scope"


def refuse_unset_loop_scope(config: pytest.Config) -> None:
    """Refuse a run that pytest-asyncio's warning is about to end.

    Raises:
        ConfigurationError: It has the lines to write.
    """
    plugin = config.pluginmanager.getplugin("asyncio")
    text = getattr(plugin, "_DEFAULT_FIXTURE_LOOP_SCOPE_UNSET", None)
    if text is None or config.getini(KEY):
        return
    try:
        with warnings.catch_warnings(record=True):
            warnings.warn(pytest.PytestDeprecationWarning(text), stacklevel=1)
    except pytest.PytestDeprecationWarning:
        raise EventLoopError(
            f"{KEY} is not set, and with warnings as errors pytest-asyncio ends the run for that.",
            why="hermetic's fixtures work with every value; async fixtures of your own run in the loop that it names.",
            hints=(
                f"in {config.inipath.name if config.inipath else 'the ini file'}: {KEY} = session",
                "and, for one connection a run instead of one a test: asyncio_default_test_loop_scope = session",
            ),
        ) from None
