"""How pytest is told to run async tests and fixtures: the keys of its configuration, and the flags in ``addopts``."""

from __future__ import annotations

from dataclasses import dataclass

from hermetic.source.configuration import Configuration

FIXTURES, TESTS = "asyncio_default_fixture_loop_scope", "asyncio_default_test_loop_scope"
FLAGS = {"--asyncio-mode": "asyncio_mode", "--anyio-mode": "anyio_mode"}


@dataclass(frozen=True)
class AsyncSettings:
    """What is set.

    Attributes:
        is_auto: Whether pytest-asyncio takes every async test and fixture.
        is_anyio_auto: Whether anyio's plugin does.
        fixture_scope: The scope of the loop in which pytest-asyncio runs fixtures; None where each has its own.
        test_scope: The scope of the loop in which it runs tests.
        is_barred: Whether pytest-asyncio is switched off.
        is_anyio_barred: Whether anyio's plugin is.
    """

    is_auto: bool
    is_anyio_auto: bool
    fixture_scope: str | None
    test_scope: str
    is_barred: bool
    is_anyio_barred: bool


def read_async_settings(configuration: Configuration) -> AsyncSettings:
    """Read them; what the command line of a run adds is not known."""
    words = configuration.strings("addopts")
    values = {key: str(value) for key, value in configuration.values.items()} | dict(_overridden(words))
    scope = values.get(FIXTURES, "").strip()
    return AsyncSettings(
        is_auto=values.get("asyncio_mode") == "auto",
        is_anyio_auto=values.get("anyio_mode") == "auto",
        fixture_scope=None if scope in ("", "fixture-scope") else scope,
        test_scope=values.get(TESTS, "").strip() or "function",
        is_barred="no:asyncio" in " ".join(words),
        is_anyio_barred="no:anyio" in " ".join(words),
    )


def _overridden(words: list[str]) -> list[tuple[str, str]]:
    """Return what flags set: ``-o key=value``, ``--asyncio-mode=auto``."""
    found = []
    for word, following in zip(words, [*words[1:], ""], strict=False):
        flag, has_value, value = word.partition("=")
        if flag in FLAGS:
            found.append((FLAGS[flag], value if has_value else following))
        elif word in ("-o", "--override-ini") and "=" in following:
            key, _, value = following.partition("=")
            found.append((key, value))
    return found
