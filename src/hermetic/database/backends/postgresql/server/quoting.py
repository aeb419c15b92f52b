"""Names, texts and settings as SQL has them, for statements that take no parameters."""

from __future__ import annotations

import re

LISTS = frozenset({"search_path", "temp_tablespaces", "local_preload_libraries", "session_preload_libraries"})
"""Settings that are lists of names: PostgreSQL notes these with each name quoted that needs it."""


def quoted(name: str) -> str:
    """Return a name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"


def listed(noted: str) -> list[str]:
    """Return the names in what is noted of a setting that is a list."""
    names = re.findall(r'"((?:[^"]|"")*)"|([^\s,]+)', noted)
    return [within.replace('""', '"') or plain for within, plain in names]


def setting_value(setting: str, noted: str) -> str:
    """Return what is noted of a setting as ALTER DATABASE takes it; see ``makeAlterConfigCommand`` of pg_dump."""
    return ", ".join(map(literal, listed(noted))) if setting in LISTS else literal(noted)
