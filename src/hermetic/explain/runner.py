"""What is known of whoever runs the async code of a test: pytest-asyncio, anyio's plugin, both, or nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from hermetic.code import Location

MODE = "asyncio_mode"
FIXTURES = "asyncio_default_fixture_loop_scope"
TESTS = "asyncio_default_test_loop_scope"
ANYIO_MODE = "anyio_mode"
KEYS = (MODE, FIXTURES, TESTS, ANYIO_MODE)
"""The keys of pytest's configuration that say who runs what in which loop."""

SCOPES = ("function", "class", "module", "package", "session")
"""From the narrowest to the widest."""

Plugin = Literal["pytest-asyncio", "anyio", ""]


def widest(scopes: Iterable[str]) -> str:
    """Return the widest of some scopes."""
    return max((scope for scope in scopes if scope in SCOPES), key=SCOPES.index, default="function")


def is_narrower(one: str, other: str) -> bool:
    """Whether one scope is narrower than another."""
    return one in SCOPES and other in SCOPES and SCOPES.index(one) < SCOPES.index(other)


class Setting(NamedTuple):
    """A setting of a configuration file.

    Attributes:
        value: Its value.
        at: Its line; None where it is the command line's.
    """

    value: str
    at: Location | None


class Ignored(NamedTuple):
    """Settings of the runner's that stand where pytest does not read them.

    Attributes:
        path: The file.
        settings: They, by key: a key that is misspelt by the one that is meant.
        why: Why it does not, to follow a place; empty of another file than the one that is read.
        under: The section below which they would be read, as it ends a change; empty where they are below it.
    """

    path: str
    settings: Mapping[str, Setting]
    why: str = ""
    under: str = ""


class LoopScope(NamedTuple):
    """The scope of the event loop in which something runs, and what says so.

    Attributes:
        scope: The scope.
        key: The key of the configuration, or ``"loop_scope"`` for an argument of a mark or of a fixture.
        at: The line that says so; None where it is the plugin's default.
        is_default: Whether nothing says so.
    """

    scope: str
    key: str
    at: Location | None
    is_default: bool = False

    def __str__(self) -> str:
        if self.is_default:
            return f"{self.key} is not set, which makes it {self.scope}"
        value = f'{self.key}="{self.scope}"' if self.key == "loop_scope" else f"{self.key} = {self.scope}"
        return f"{value} ({self.at or 'command line'})"

    def becoming(self, scope: str, configuration: str) -> str:
        """Return the line to write for another scope.

        Args:
            scope: The scope.
            configuration: The configuration file, for a key that stands nowhere yet.
        """
        if self.key == "loop_scope":
            return f'{self.at}: loop_scope="{scope}"'
        return f"{self.at or configuration}: {self.key} = {scope}"


@dataclass(frozen=True)
class Runner:
    """Who runs the async code of a test.

    Attributes:
        versions: The plugins that are loaded, with their versions: ``{"pytest-asyncio": "1.5.0", "anyio": "4.16.0"}``.
        runs: Who runs the test itself; empty where that is nobody, or the test is not async.
        loop: Of which scope the test's loop is; None where pytest-asyncio does not run it.
        uses_anyio: Whether the test has anyio's fixture ``anyio_backend``, and so anyio runs its async fixtures.
        backend: What anyio runs it on: ``"asyncio"`` or ``"trio"``; empty where anyio does not.
        marks: The marks ``asyncio`` and ``anyio`` that the code has on it, and where.
        settings: What the configuration says, by key.
        configuration: The configuration file that is read, or where one would be.
        ignored: What else has settings of a runner, and is not read.
    """

    versions: Mapping[str, str] = field(default_factory=dict)
    runs: Plugin = ""
    loop: LoopScope | None = None
    uses_anyio: bool = False
    backend: str = ""
    marks: Mapping[str, Location] = field(default_factory=dict)
    settings: Mapping[str, Setting] = field(default_factory=dict)
    configuration: str = ""
    ignored: tuple[Ignored, ...] = ()

    @property
    def mode(self) -> str:
        """The mode of pytest-asyncio."""
        return self.settings[MODE].value if MODE in self.settings else "strict"

    def default_loop(self, key: str, scope: str) -> LoopScope:
        """Return the scope of loops that a key of the configuration gives.

        Args:
            key: The key.
            scope: The scope without it.
        """
        setting = self.settings.get(key)
        if setting is None:
            return LoopScope(scope, key, None, is_default=True)
        return LoopScope(scope if setting.value == "fixture-scope" else setting.value, key, setting.at)

    def ignored_setting(self, key: str, value: str) -> tuple[Ignored, Setting] | None:
        """Return what is not read and says of a key what would help, if what is read does not."""
        for file in self.ignored:
            setting = file.settings.get(key)
            if setting is not None and setting.value == value and key not in self.settings:
                return file, setting
        return None
