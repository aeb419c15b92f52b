"""The ini keys and flags, and how they become ``Settings``; and the one of pytest-asyncio's that has to be there.

With its fixture loop scope unset, pytest-asyncio (1.5) warns while it is configured; where warnings are errors that
is an INTERNALERROR, twenty lines of pytest's own frames. Whether it would be one depends on the command line, the ini
file and ``PYTHONWARNINGS``, so the same warning is tried, under the filters of that moment.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence

import pytest

from hermetic.errors import EventLoopError
from hermetic.settings import GUARDS, INI, Settings, parse, refuse_unknown_keys

FLAGS: dict[str, str] = {
    "hermetic": "off, observe or on, whatever the ini file says",
    "hermetic_isolation": "how often the baseline comes back: test, class, module or none",
    **{
        f"hermetic_{name}": f"what it is when {guard.what}: error, warn or off"
        for name, guard in GUARDS.items()
    },
    "hermetic_background": "what becomes of tasks that a test left running: wait or cancel",
    "hermetic_failures": "what is shown below a failed test: full, short or off",
}

MARK = ("isolation", "background", *GUARDS)
"""The arguments of the mark."""

LOOP_SCOPE = "asyncio_default_fixture_loop_scope"

SWITCHES: dict[str, str] = {
    "rebuild": "build schema and seed rows anew, whatever template there is",
    "keep_failed": "keep a copy of each failed test's database; 'hermetic db' lists and drops them",
}


def add_options(parser: pytest.Parser) -> None:
    """Register the ini keys and the flags."""
    for key, (kind, help_text) in INI.items():
        parser.addini(key, help_text, type=kind, default=None)
    group = parser.getgroup("hermetic", "async database testing")
    for key, help_text in FLAGS.items():
        group.addoption(f"--{key.replace('_', '-')}", dest=f"flag_{key}", metavar="VALUE", help=help_text)
    for key, help_text in SWITCHES.items():
        group.addoption(
            f"--hermetic-{key.replace('_', '-')}",
            dest=f"switch_{key}",
            action="store_true",
            help=help_text,
        )


def read_settings(config: pytest.Config) -> Settings:
    """Parse the configuration of a run.

    Raises:
        ConfigurationError: A value is not valid.
    """
    source = config.inipath.name if config.inipath else "the ini file"
    refuse_unknown_keys(_written_keys(config), source)
    ini: dict[str, str | Sequence[str]] = {key: config.getini(key) for key in INI}
    namespace = getattr(config, "known_args_namespace", config.option)
    flags = {key: getattr(namespace, f"flag_{key}", None) for key in FLAGS}
    return parse(
        ini,
        ini_source=source,
        flags={key: value for key, value in flags.items() if value is not None},
        environ=os.environ,
        switches=[key for key in SWITCHES if getattr(namespace, f"switch_{key}", False)],
    )


def _written_keys(config: pytest.Config) -> Sequence[str]:
    """Return the keys that the configuration file has; pytest 9 keeps them elsewhere than pytest 8."""
    own = vars(config)
    return list(own.get("_inicfg") or own.get("inicfg") or ())


def refuse_unset_loop_scope(config: pytest.Config) -> None:
    """Refuse a run that pytest-asyncio's warning is about to end, and say what to write.

    Raises:
        ConfigurationError: It has the lines.
    """
    plugin = config.pluginmanager.getplugin("asyncio")
    text = getattr(plugin, "_DEFAULT_FIXTURE_LOOP_SCOPE_UNSET", None)
    if text is None or config.getini(LOOP_SCOPE):
        return
    try:
        with warnings.catch_warnings(record=True):
            warnings.warn(pytest.PytestDeprecationWarning(text), stacklevel=1)
    except pytest.PytestDeprecationWarning:
        raise EventLoopError(
            f"{LOOP_SCOPE} is not set, and with warnings as errors pytest-asyncio ends the run for that.",
            why="hermetic's fixtures work with every value; async fixtures of your own run in the loop that it names.",
            hints=(
                f"in {config.inipath.name if config.inipath else 'the ini file'}: {LOOP_SCOPE} = session",
                "and, for one connection a run instead of one a test: asyncio_default_test_loop_scope = session",
            ),
        ) from None
