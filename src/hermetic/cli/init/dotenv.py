"""Read what dotenv and compose files give, without their libraries.

Values are looked at; a password is never passed on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from hermetic.cli.init.requirements import read_loosely

UNCLEAR = "\0"
"""A value that is there, and cannot be told."""
LINE = re.compile(r"\s*(?:[DRTU]:)*(?:export\s+)?([A-Za-z_][\w.]*)\s*=\s*(.*)")
COMPOSE_LINE = re.compile(r"\s*(?:-\s*)?[\"']?([A-Z_][A-Z0-9_]*)\s*[\"']?\s*[:=]\s*(\S.*)")
URL = re.compile(
    r"\b([A-Z][A-Z0-9_]*)[\"']?\s*[:=]\s*[\"']?((?:postgres|mysql|mariadb|sqlite)[a-z+0-9]*://[^\s\"'\\]*)"
)
REFERENCE = re.compile(r"\$\{(\w+)(?::?([-?+])([^}]*))?\}|\$(\w+)")
PASSWORD = re.compile(r"(?<=://)([^:/@\s]*):[^@\s]*@")
IN_QUERY = re.compile(r"(?<=[?&])password=[^&]*&?")


def dotenv_values(path: Path) -> dict[str, str]:
    """Return what a dotenv file sets, by name in capitals; empty where there is none."""
    return dict(line_values(read_loosely(path).removeprefix("\ufeff").splitlines()))


def line_values(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the names and values of ``NAME=value`` lines, those of pytest-env included."""
    known: dict[str, str] = {}
    for line in lines:
        match = LINE.match(line)
        if match and not line.lstrip().startswith("#"):
            known[match[1].upper()] = _filled(_unquoted(match[2]), known)
            yield match[1].upper(), known[match[1].upper()]


def compose_values(path: Path) -> dict[str, str]:
    """Return what a compose file gives to its containers, by name."""
    found: dict[str, str] = {}
    for line in read_loosely(path).splitlines():
        match = COMPOSE_LINE.match(line)
        if match and not line.lstrip().startswith("#"):
            found.setdefault(match[1], _filled(_unquoted(match[2]), {}))
    return found


def url_values(path: Path) -> dict[str, str]:
    """Return the databases' URLs that a file gives to variables, in whatever form: a Makefile, a workflow, tox.ini."""
    return {name: _filled(url, {}) for name, url in reversed(URL.findall(read_loosely(path)))}


def without_password(url: str) -> str:
    """Return a URL without the password in it."""
    return IN_QUERY.sub("", PASSWORD.sub(r"\1@", url)).rstrip("?&")


def _unquoted(text: str) -> str:
    text = text.strip()
    if text[:1] in ("'", '"') and text.find(text[0], 1) > 0:
        return text[1 : text.find(text[0], 1)]
    return re.split(r"\s+#", text)[0].strip().rstrip("\"'")


def _filled(text: str, known: Mapping[str, str]) -> str:
    """Put values in the place of references; a text with one that is not known has no clear value."""

    def value(match: re.Match[str]) -> str:
        name = (match[1] or match[4]).upper()
        default = match[3] if match[2] == "-" else UNCLEAR
        return known.get(name) or default

    return REFERENCE.sub(value, text)
