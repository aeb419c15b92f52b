"""The files of the package that a reader passes on a way: it is gone once, and which functions run is noted.

A file is passed where a function of it runs that does more than one thing, or asks another file. Left out are

- the *ground*: what ARCHITECTURE's table lets import nothing above it, and ``HELPERS``; and what only that calls back;
- what hears of all that a process does, whoever does it (``HEARING``);
- of a backend, all but the files that fulfil the contracts by which others know it (``FULFILLING``), and what only
  these ask: for others a way ends at a contract. Inside a backend is another way.
"""

from __future__ import annotations

import ast
import gc
import re
import sys
import threading
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache
from types import FrameType
from typing import NamedTuple

from tests.docs.test_architecture import PAGE, SOURCE, rows

HELPERS = (
    "client/_httpx2.py",
    "database/backends/postgresql/server/launcher/files.py",
    "database/engines/private.py",
    "database/folders.py",
)
"""Where the private names of libraries lie, and files and locks: what they do, their functions' names say."""

HEARING = ("database/schema/build_reads.py", "guards/threads.py")
"""One hook for what is opened, and one for the threads that are started."""

FULFILLING = ("__init__.py", "worker_databases.py", "restore/worker.py")
"""What has a backend's ``Backend``, ``Server`` and ``WorkerDatabase``."""

FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef

BACKEND = re.compile(r"database/backends/\w+/")


class Entry(NamedTuple):
    """A function that ran, by its file and its first line, and the file of ours that called it, by way of others."""

    file: str
    line: int
    caller: str
    line_of_caller: int


class Entries(list[Entry]):
    """What ran, in order; a function of ``sys.setprofile``."""

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        """Note that a function of ours was called."""
        if event == "call" and (file := _ours(frame)):
            above = frame.f_back
            while above is not None and not _ours(above):
                above = above.f_back
            caller, line = ("", 0) if above is None else (_ours(above), above.f_code.co_firstlineno)
            self.append(Entry(file, frame.f_code.co_firstlineno, caller, line))


def _ours(frame: FrameType) -> str:
    """Return the path of a frame's file in the package; empty where it is no file of that."""
    name, package = frame.f_code.co_filename, f"{SOURCE}/"
    return name.removeprefix(package) if name.startswith(package) else ""


@contextmanager
def noted() -> Iterator[Entries]:
    """Note what runs in the block, in this thread and in those that it starts."""
    entries = Entries()
    before = sys.getprofile(), threading.getprofile()
    gc.collect()
    gc.disable()  # else what others have left is closed on the way
    threading.setprofile(entries)
    sys.setprofile(entries)
    try:
        yield entries
    finally:
        sys.setprofile(before[0])
        threading.setprofile(before[1])
        gc.enable()


def passed(entries: Collection[Entry], *, inside_a_backend: bool = False) -> list[str]:
    """Return the files that are passed, in the order in which a reader comes to them."""
    off = ground() | {*HEARING}
    working = {each.file for each in entries if not _is_of_one_statement(each.file, each.line)}
    working |= {each.caller for each in entries if each.file not in off and each.file != each.caller}
    callers: dict[str, set[str]] = defaultdict(set)
    for each in entries:
        callers[each.file].add(each.caller)

    def leads_on(caller: str, file: str) -> bool:
        if inside_a_backend:
            return not caller or caller in way
        if not caller:
            return not BACKEND.match(file)
        return caller in way and not BACKEND.match(caller)

    way: set[str] = set()
    candidates = [
        file
        for file in callers
        if file in working
        and file not in off
        and (inside_a_backend or not BACKEND.match(file) or BACKEND.sub("", file) in FULFILLING)
    ]
    while found := {
        file for file in candidates if file not in way and any(leads_on(each, file) for each in callers[file])
    }:
        way |= found
    return [in_any_backend(file) for file in candidates if file in way]


def ground() -> set[str]:
    """Return the files of which every other part may ask something, and which ask none of them."""
    lowest = [path for row in rows() if row.forbidden.startswith("everything") for path in row.paths]
    files = (str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py"))
    return {file for file in files if file.startswith(tuple(lowest))} | {*HELPERS}


@cache
def _statements(file: str) -> dict[int, int]:
    """Return how many statements each function of a file has, by its first line; docstrings are none."""
    tree = ast.parse((SOURCE / file).read_text(encoding="utf-8"))
    functions = [each for each in ast.walk(tree) if isinstance(each, FUNCTIONS)]
    return {
        min(line.lineno for line in (each, *each.decorator_list)): sum(map(_says_something, ast.walk(each)))
        - 1
        for each in functions
    }


def _says_something(node: ast.AST) -> bool:
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    if not isinstance(node, ast.stmt) or isinstance(node, ast.Import | ast.ImportFrom) or is_text:
        return False
    return "__tracebackhide__" not in ast.unparse(node) or isinstance(node, FUNCTIONS)


def _is_of_one_statement(file: str, line: int) -> bool:
    """Whether a function has one statement at most; a lambda and a comprehension have none."""
    return _statements(file).get(line, 0) <= 1


def named(way: str) -> list[str]:
    """Return the files that ARCHITECTURE names for a way, in its order."""
    found = re.search(rf"^- \*\*{way}\*\*(.*?)(?=^\S|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, way
    return files_in(found[1])


def files_in(text: str) -> list[str]:
    """Return the files that a text names, each by its path in the package, or by the end of that."""
    files = {in_any_backend(str(path.relative_to(SOURCE))) for path in SOURCE.rglob("*.py")}
    found = []
    for name in re.findall(r"`([\w./*]+\.py)`", text):
        (file,) = {name} & files or {file for file in files if file.endswith(f"/{name}")}
        found.append(file)
    return found


def in_any_backend(file: str) -> str:
    """Return a path that does not say of which backend it is."""
    return BACKEND.sub("database/backends/*/", file)
