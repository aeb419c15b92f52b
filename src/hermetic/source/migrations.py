"""Alembic: by what file it is configured, and whether code runs its migrations.

It is configured by an ini file of any name, or by ``pyproject.toml``. ``command.upgrade`` is called, or handed to
whoever calls it: ``asyncio.to_thread(command.upgrade, config, "head")``, ``run_in_executor``, ``run_sync``,
``partial``. So it is enough that it is named. Others run Alembic's command, in this process or in one of its own.
"""

from __future__ import annotations

import ast
import configparser
import os
from dataclasses import dataclass
from pathlib import Path

from hermetic.errors import ConfigurationError
from hermetic.source.configuration import parse_toml, table_at
from hermetic.source.sources import Sources, relative
from hermetic.source.symbols import Symbols

NAME = "alembic.ini"
SECTION = "alembic"


@dataclass(frozen=True)
class Migrations:
    """What Alembic is configured by.

    Attributes:
        file: The file that is named.
        sections: Those of an ini file that say where scripts are, where Alembic's own does not.
    """

    file: Path
    sections: tuple[str, ...] = ()

    def lines(self, directory: Path) -> tuple[str, ...]:
        """Return what ``hermetic_schema`` would be in a configuration file of a directory."""
        path = relative(self.file, directory)
        return tuple(f"{path}:{section}" for section in self.sections) or (path,)


def find_migrations(sources: Sources, application: Path | None) -> Migrations | None:
    """Return the migrations nearest to the application, if there are any: a repository may hold those of others.

    Args:
        sources: The project, and what of its repository belongs to it.
        application: The application's module.
    """
    found = [each for path in sources.inis if (each := _of_ini(path))]
    beside = {each.file.parent for each in found if each.file.name == NAME}
    found += [
        Migrations(path) for path in sources.pyprojects if path.parent not in beside and _is_told_in(path)
    ]
    return max(found, key=lambda each: _shared(each.file, application or sources.root), default=None)


def _shared(file: Path, application: Path) -> int:
    """Return how many folders two files have in common."""
    return len(Path(os.path.commonpath([file, application])).parts)


def _of_ini(path: Path) -> Migrations | None:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True, default_section="")
    try:
        parser.read_string(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, configparser.Error):
        return Migrations(path) if path.name == NAME else None
    told = tuple(name for name in parser.sections() if parser.has_option(name, "script_location"))
    if not {SECTION, configparser.DEFAULTSECT}.isdisjoint(told) or (not told and path.name == NAME):
        return Migrations(path)
    return Migrations(path, told) if told else None


def _is_told_in(pyproject: Path) -> bool:
    try:
        document = parse_toml(pyproject, pyproject.read_text(encoding="utf-8"))
    except (OSError, ValueError, ConfigurationError):
        return False
    return "script_location" in (table_at(document, ("tool", "alembic")) or {})


UPGRADE = "alembic.command.upgrade"
PROCESSES = frozenset(
    {
        "Popen",
        "call",
        "check_call",
        "check_output",
        "create_subprocess_exec",
        "create_subprocess_shell",
        "run",
        "run_process",
        "system",
    }
)
"""The last names of what starts a program: in ``subprocess``, ``os``, ``asyncio``, ``anyio``."""

MAIN = "alembic.config.main"


def runs_migrations(node: ast.AST, file: Path, symbols: Symbols) -> bool:
    """Whether a node names Alembic's upgrade or calls its command for it; told of the node itself, not what is inside.

    Args:
        node: Anything of a module's tree.
        file: The module.
        symbols: The project's names.
    """
    if isinstance(node, ast.Name):
        return ".".join(symbols.scope(file).imports.get(node.id, ())) == UPGRADE
    if isinstance(node, ast.Attribute):
        return node.attr == "upgrade" and _is_upgrade(node, file, symbols)
    return isinstance(node, ast.Call) and _runs_the_command(node, file, symbols)


def _is_upgrade(node: ast.Attribute, file: Path, symbols: Symbols) -> bool:
    found = symbols.resolve(file, node)
    return found.name == UPGRADE if found else f".{ast.unparse(node)}".endswith(".command.upgrade")


def _runs_the_command(call: ast.Call, file: Path, symbols: Symbols) -> bool:
    if not _says(call, "upgrade"):
        return False
    if (
        isinstance(call.func, ast.Attribute | ast.Name)
        and ast.unparse(call.func).rpartition(".")[2] in PROCESSES
    ):
        return _says(call, "alembic")
    found = symbols.resolve(file, call.func)
    return found is not None and found.name == MAIN


def _says(call: ast.Call, word: str) -> bool:
    """Whether a word is in the text of an argument: of one string, or of a list of them."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    parts = [
        part for each in given for part in (each.elts if isinstance(each, ast.List | ast.Tuple) else [each])
    ]
    texts = (part.value for part in parts if isinstance(part, ast.Constant))
    return any(isinstance(text, str) and word in text.split() for text in texts)
