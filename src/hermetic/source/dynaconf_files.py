"""What dynaconf's settings files give, by the names that its variables have in the environment.

A file in TOML is parsed. One in YAML is read by its lines: sections at the margin, keys below them, as such files are.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from hermetic.errors import ConfigurationError
from hermetic.source.configuration import parse_toml
from hermetic.source.environ import DYNACONF, outside
from hermetic.source.requirements import read_loosely
from hermetic.source.symbols import Symbols
from hermetic.source.syntax import keyword, literal

MADE_BY = frozenset(name.removesuffix("()") for name in DYNACONF)
USUAL = ("settings.toml", "settings.yaml", "settings.yml", ".secrets.toml", ".secrets.yaml")
SWITCHES = ("FORCE_ENV_FOR_DYNACONF", "ENV_FOR_DYNACONF")
YAML_LINE = re.compile(r"(\s*)([A-Za-z_]\w*)\s*:\s*(?:\"([^\"]*)\"|'([^']*)'|([^#\n]*))")
Sections = Mapping[str, Mapping[str, object]]


def dynaconf_values(symbols: Symbols, values: Mapping[str, str], home: Path) -> Iterator[tuple[str, str]]:
    """Yield the names and values of what the application's settings objects read, a later one goes before.

    Args:
        symbols: The project's names.
        values: What variables have when the tests run: one says which section is read.
        home: Where pytest's configuration is.
    """
    for module in symbols.sources.production:
        for call in module.of(ast.Call) if module.mentions("Dynaconf", "LazySettings") else ():
            if outside(module.path, call.func, symbols) in MADE_BY:
                above = [
                    each for each in module.path.parents if each.is_relative_to(symbols.sources.boundary)
                ]
                yield from _given(call, values, [home, *above])


def _given(call: ast.Call, values: Mapping[str, str], folders: list[Path]) -> Iterator[tuple[str, str]]:
    prefix = keyword(call, "envvar_prefix")
    text = "DYNACONF" if prefix is None else literal(prefix)
    layers = ("default", _environment(call, values), "global") if keyword(call, "environments") else ("",)
    for name in _named(call):
        path = next((folder / name for folder in folders if (folder / name).is_file()), None)
        sections = {} if path is None else _sections(path)
        for layer in layers:
            for key, value in _flat(sections.get(layer, {})):
                yield f"{text}_{key}".upper() if text else key.upper(), str(value)


def _flat(table: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    """Yield the values of a table and of those in it, which variables name with ``__`` between."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{key}__")
        else:
            yield f"{above}{key}", value


def _environment(call: ast.Call, values: Mapping[str, str]) -> str:
    own = literal(keyword(call, "env_switcher"))
    named = (values[name] for name in (own or "", *SWITCHES) if name in values)
    return next(named, literal(keyword(call, "env")) or "development").lower()


def _named(call: ast.Call) -> list[str]:
    """Return the files' names, those first that are read first; only the name counts of a path that is computed."""
    given = keyword(call, "settings_files") or keyword(call, "settings_file")
    return [*_names(keyword(call, "preload")), *(USUAL if given is None else _names(given))]


def _names(given: ast.expr | None) -> Iterator[str]:
    parts = given.elts if isinstance(given, ast.List | ast.Tuple) else [given]
    for part in parts:
        if isinstance(part, ast.Call) and part.args:  # os.path.join(HERE, "default.toml")
            part = part.args[-1]
        yield from (name.strip() for name in re.split("[,;]", literal(part) or "") if name.strip())


def _sections(path: Path) -> Sections:
    """Return the plain values of a file by section, and those that are in none by an empty name."""
    text = read_loosely(path)
    if path.suffix != ".toml":
        return _of_yaml(text)
    try:
        document = parse_toml(path, text)
    except ConfigurationError:
        return {}
    sections = {name.lower(): table for name, table in document.items() if isinstance(table, dict)}
    plain = {name: value for name, value in document.items() if not isinstance(value, dict)}
    return {**sections, "": plain}


def _of_yaml(text: str) -> Sections:
    sections: dict[str, dict[str, object]] = {"": {}}
    section, indent = "", ""
    for line in text.splitlines():
        match = YAML_LINE.match(line)
        if match is None:
            continue
        value = (match[3] or match[4] or match[5] or "").strip()
        if not match[1]:
            section, indent = match[2].lower(), ""
        indent = indent or match[1]
        if value and match[1] == indent:
            sections.setdefault(section if indent else "", {})[match[2]] = value
    return sections
