"""Add settings to a configuration file without touching anything else in it.

A TOML or ini writer would lose comments and layout, and a style-preserving one is a dependency for a few lines a
year. So lines are inserted as text, at the end of the section, and the result is parsed again: it must say what the
file said before plus the new settings, and nothing else. A line that only looks like a header (in a multi-line string
or array) thus cannot mislead; the next place is tried, and when none is right the file is left alone and the lines to
add are shown.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hermetic.errors import CommandError, ConfigurationError
from hermetic.source.configuration import BOM, Configuration, Table, parse_ini, parse_toml

Value = str | tuple[str, ...]
LONGEST = 80
"""Columns of a line that is added."""


@dataclass(frozen=True)
class Setting:
    """One line (or a few) to add.

    Attributes:
        key: The ini key.
        value: A string, or several for a key that takes a list.
        comment: What to write above it, without ``#``; may be empty.
    """

    key: str
    value: Value
    comment: str = ""


def add_settings(configuration: Configuration, settings: Sequence[Setting]) -> str:
    """Return the file's text with settings added to pytest's section.

    Args:
        configuration: The file as it is.
        settings: What to add; none of the keys may be set already.

    Raises:
        ConfigurationError: The section has a form into which no lines can be inserted.
    """
    before = configuration.text or ""
    if not settings:
        return before
    newline = "\r\n" if before.count("\r\n") * 2 > before.count("\n") else "\n"
    body = before.removeprefix(BOM)
    mark = before[: len(before) - len(body)]
    lines = body.splitlines(keepends=True)
    block = render(configuration, settings)
    for place, added in _places(configuration, lines, block):
        text = mark + _insert(lines, place, added, newline)
        if _says_the_same_plus(configuration, text, settings):
            return text
    header = _header(configuration)
    raise CommandError(
        f"The section {header} of {configuration.path} is written in a form that lines cannot be added to.",
        why="It is an inline table, or its keys are dotted. Nothing was written.",
        hints=("add these settings to it by hand:", *block),
    )


def render(configuration: Configuration, settings: Sequence[Setting]) -> list[str]:
    """Return the lines that settings take in a file of this kind."""
    lines: list[str] = []
    for setting in settings:
        if setting.comment:
            lines.append(f"# {setting.comment}")
        if configuration.is_toml:
            lines.extend(_toml_lines(setting))
        elif isinstance(setting.value, str):
            lines.append(f"{setting.key} = {setting.value}")
        else:
            lines.append(f"{setting.key} =")
            lines.extend(f"    {item}" for item in setting.value)
    return lines


def _toml_lines(setting: Setting) -> list[str]:
    """Return a setting on one line, or a list that is too long for one on a line an item."""
    line = f"{setting.key} = {_toml(setting.value)}"
    if isinstance(setting.value, str) or len(setting.value) == 1 or len(line) <= LONGEST:
        return [line]
    return [f"{setting.key} = [", *(f"    {_toml(item)}," for item in setting.value), "]"]


def _toml(value: Value) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return "[" + ", ".join(_toml(item) for item in value) + "]"


def _header(configuration: Configuration) -> str:
    return f"[{'.'.join(configuration.section)}]"


def _places(
    configuration: Configuration, lines: list[str], block: list[str]
) -> Iterator[tuple[int, list[str]]]:
    """Yield where the block can go: the end of the section, else right below its header, else a new section."""
    headers = [index for index, line in enumerate(lines) if line.lstrip().startswith("[")]
    for start in headers:
        if not _is_header(configuration, lines[start]):
            continue
        for end in [*(index for index in headers if index > start), len(lines)]:
            yield _without_trailing(lines, start + 1, end), block
            yield end, block
        yield start + 1, block
    separator = [""] if any(line.strip() for line in lines) else []
    yield len(lines), [*separator, _header(configuration), *block]


def _is_header(configuration: Configuration, line: str) -> bool:
    if not configuration.is_toml:
        return re.match(rf"\[{re.escape(configuration.section[0])}\]\s*([#;].*)?$", line.rstrip()) is not None
    names = r"\s*\.\s*".join(rf"[\"']?{re.escape(name)}[\"']?" for name in configuration.section)
    return re.match(rf"\s*\[\s*{names}\s*\]\s*(#.*)?$", line.rstrip()) is not None


def _without_trailing(lines: list[str], start: int, end: int) -> int:
    """Return where the section's own lines end: behind the last value and the comments that touch it.

    Comments behind a blank line, or right above the next header, are about what follows.
    """
    last = max((index for index in range(start, end) if not _is_aside(lines[index])), default=start - 1) + 1
    stop = last
    while stop < end and _is_comment(lines[stop]):
        stop += 1
    return last if stop == end < len(lines) else stop


def _is_aside(line: str) -> bool:
    return not line.strip() or _is_comment(line)


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith(("#", ";"))


def _insert(lines: list[str], place: int, block: list[str], newline: str) -> str:
    before, after = "".join(lines[:place]), "".join(lines[place:])
    ended = before.endswith("\n") or not before
    text = newline.join(block)
    # A file without a final newline keeps none.
    return before + ("" if ended else newline) + text + (newline if ended else "") + after


def _says_the_same_plus(configuration: Configuration, text: str, settings: Sequence[Setting]) -> bool:
    try:
        if configuration.is_toml:
            expected = _expected_toml(configuration, settings)
            return expected is not None and parse_toml(configuration.path, text) == expected
        return parse_ini(configuration.path, text) == _expected_ini(configuration, settings)
    except ConfigurationError:
        return False


def _expected_toml(configuration: Configuration, settings: Sequence[Setting]) -> Table | None:
    document = copy.deepcopy(parse_toml(configuration.path, configuration.text or ""))
    table: Table = document
    for name in configuration.section:
        inner = table.setdefault(name, {})
        if not isinstance(inner, dict):
            return None
        table = inner
    for setting in settings:
        table[setting.key] = setting.value if isinstance(setting.value, str) else list(setting.value)
    return document


def _expected_ini(configuration: Configuration, settings: Sequence[Setting]) -> dict[str, dict[str, str]]:
    sections = parse_ini(configuration.path, configuration.text or "")
    section = sections.setdefault(configuration.section[0], {})
    for setting in settings:
        section[setting.key] = setting.value if isinstance(setting.value, str) else "\n".join(setting.value)
    return sections
