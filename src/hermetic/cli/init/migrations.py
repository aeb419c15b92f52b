"""Tell whether code runs Alembic's migrations.

``command.upgrade`` is called, or handed to whoever calls it: ``asyncio.to_thread(command.upgrade, config, "head")``,
``run_in_executor``, ``run_sync``, ``partial``. So it is enough that it is named. Others run Alembic's command, in this
process or in one of its own.
"""

from __future__ import annotations

import ast
from pathlib import Path

from hermetic.cli.init.symbols import Symbols

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
