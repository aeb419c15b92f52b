"""Every snippet that a page shows is executed, and every command prints what the page says it does."""

from __future__ import annotations

import re
import shutil
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.docs.commands import Command, commands, missing, run
from tests.docs.pages import DEFAULT_INI, ROOT, Block, Example, blocks, examples, pages

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXAMPLES = [example for page in pages() for example in examples(page)]
SHELL = [
    (block, line)
    for page in pages()
    for block in blocks(page)
    if block.language == "sh"
    for line in block.text.splitlines()
]


def begin(example: Example, root: Path) -> Path:
    """Make a project with the example service, under the name the example gives it, and settings."""
    folder = root / "project"
    under = "backend/app" if any("backend.app" in block.text for block in example.blocks) else "app"
    shutil.copytree(ROOT / "backend" / "app", folder / under, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "pytest.ini").write_text(DEFAULT_INI, encoding="utf-8")
    if example.folder:
        shutil.copytree(ROOT / example.folder, folder, dirs_exist_ok=True)
    return folder


def write(block: Block, folder: Path) -> None:
    """Write a block that is a file; a pyproject.toml takes the place of the usual configuration."""
    assert block.name is not None
    if block.name.endswith("pyproject.toml"):
        (folder / "pytest.ini").unlink(missing_ok=True)
    path = folder / block.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text, encoding="utf-8")


def check(command: Command, folder: Path, where: object) -> None:
    """Run a command and compare."""
    done = run(command.line, folder)
    output = done.output
    assert not done.hung, f"{where}: $ {command.line} hung\n\n{output}"
    lacking = missing(command.shown, output)
    assert lacking is None, f"{where}: $ {command.line}\ndoes not print: {lacking}\n\n{output}"
    assert (done.status == 0) is command.ends_well, (
        f"{where}: $ {command.line} ended with {done.status}\n\n{output}"
    )


@pytest.mark.skipif(version("pytest-asyncio").startswith("0."), reason="the pages speak of today's versions")
@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_what_a_page_shows_works(example: Example, tmp_path: Path) -> None:
    """The files of an example, put together, do what the page says; without a command, their tests pass."""
    folder = begin(example, tmp_path)
    unproved = None
    for block in example.blocks:
        if block.is_console:
            for command in commands(block):
                check(command, folder, block)
            unproved = None
        else:
            write(block, folder)
            unproved = block
    if unproved is not None:
        check(Command("pytest", ("... passed in ...",)), folder, unproved)


@pytest.mark.parametrize("page", pages(), ids=lambda path: path.name)
def test_no_block_escapes(page: Path) -> None:
    """Each block is a file, a command, or says why it is not run."""
    for block in blocks(page):
        run_somewhere = block.name or block.is_console or block.language == "sh"
        assert run_somewhere or block.literal, f"{block}: neither run nor marked as literal"
        if block.literal:
            assert len(block.literal) > 10, f"{block}: the reason is no reason"


@pytest.mark.parametrize(("block", "line"), SHELL, ids=lambda value: str(value)[:60])
def test_commands_for_the_shell_exist(block: Block, line: str) -> None:
    """A command without output is a target of the Makefile, an installation of what there is, or a known program."""
    command = line.partition("#")[0].strip()
    if match := re.fullmatch(r"make (\w+)", command):
        assert f"\n{match[1]}:" in (ROOT / "Makefile").read_text(encoding="utf-8"), (
            f"{block}: no target {match[1]}"
        )
    elif match := re.fullmatch(r"pip install '?hermetic\[([\w,]+)\]'?", command):
        extras = PROJECT["optional-dependencies"]
        assert set(match[1].split(",")) <= set(extras), f"{block}: {match[1]} is not among {extras}"
    elif command.startswith("pytest backend/"):
        done = run(f"{command} -q", ROOT)
        assert done.status == 0, done.output
    else:
        assert command in ("", "git clone <this repository>"), f"{block}: nobody checks {command!r}"


def test_the_wheel_carries_the_readme() -> None:
    """The page that a package index shows is the one tested here."""
    assert PROJECT["readme"] == "README.md"
