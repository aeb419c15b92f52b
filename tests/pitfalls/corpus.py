"""The projects: the repository's own, and those that lie beside it, each read from its ``case.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hermetic.settings import GUARDS

HERE = Path(__file__).parent
GIVEN = HERE.parents[2] / "shared" / "pitfalls"
"""More of them, in a folder beside the repository; often it is not there."""


@dataclass(frozen=True)
class Case:
    """A broken project.

    Attributes:
        name: What it is called in tables and in the recorded results.
        folders: Its files, those of a later folder in place of an earlier one's.
        fixed: The folders of the project as it should be; none if nobody wrote it.
        deleted: Those of the project without what hermetic makes needless; none if that would not help.
        cause: What is wrong, in a sentence.
        fix: What to change, in a sentence.
        symptom: What the output has without hermetic: a regular expression.
        plain: How it ends without hermetic: ``fails``, ``passes`` or ``hangs``.
        passes: What it means when it passes with hermetic: ``impossible`` or ``unseen``.
        code: That of the explanation which should be given, if there is one.
        says: What an explanation must say of this case's own cause and change: regular expressions.
        never: What no explanation may say of it, because it is not so.
        undone: What a failing run has when its tests ask for the damage itself and hermetic prevents it.
        database: ``postgresql`` if the project's database must be one.
        options: What hermetic is asked for on the command line, beside its mode.
        timeout: Seconds after which a run hangs.
    """

    name: str
    folders: tuple[Path, ...]
    fixed: tuple[Path, ...] = ()
    deleted: tuple[Path, ...] = ()
    cause: str = ""
    fix: str = ""
    symptom: str = ""
    plain: str = "fails"
    passes: str = "impossible"
    code: str = ""
    says: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    undone: str = ""
    database: str = ""
    options: tuple[str, ...] = ()
    timeout: float = 60

    def __str__(self) -> str:
        return self.name


def own() -> Iterator[Case]:
    """Yield the repository's own cases."""
    for folder in sorted((HERE / "cases").iterdir()):
        yield _described(folder.name, folder)


def healthy() -> Iterator[Case]:
    """Yield legitimate projects: the repository's own, then the given ones. All guards watch them."""
    guards = tuple(f"--hermetic-{name.replace('_', '-')}=error" for name in GUARDS)
    for folder in sorted((HERE / "healthy").iterdir()):
        yield replace(_described(f"healthy/{folder.name}", folder), options=guards)
    for folder in sorted(GIVEN.glob("healthy/*")):
        yield replace(_case(f"given/healthy/{folder.name}", (folder,), {}), options=guards)


def given() -> Iterator[Case]:
    """Yield the cases beside the repository, judged by what ``given.toml`` says of them."""
    judged = tomllib.loads((HERE / "given.toml").read_text(encoding="utf-8"))
    for folder in sorted(GIVEN.glob("cases/*")):
        theirs = tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))
        described = {
            "cause": theirs["root_cause"],
            "fix": theirs["fix"],
            "symptom": theirs["symptom_regex"],
            "plain": _PLAIN.get(theirs["symptom_kind"], "fails"),
            "timeout": max(theirs.get("timeout", 60), 45),  # on a busy machine, too
            **judged[folder.name],
        }
        yield replace(_case(f"given/{folder.name}", (folder,), described), fixed=(folder / "fixed",))


_NEVER = ("/site-packages/",)
"""A line of a library is never the one to change."""

_PLAIN = {
    "hangs": "hangs",
    "passes but wrong": "passes",
    "passes, latent": "passes",
    "warning only": "passes",
}


def _described(name: str, folder: Path) -> Case:
    described = tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))
    bases = (HERE / "bases" / base for base in described.get("bases", ()))
    return _case(name, (*bases, folder), described)


def _variant(folders: tuple[Path, ...], folder: Path) -> tuple[Path, ...]:
    return (*folders, folder) if folder.exists() else ()


def _case(name: str, folders: tuple[Path, ...], described: Mapping[str, Any]) -> Case:
    plain = described.get("plain", "fails")
    return Case(
        name=name,
        folders=folders,
        fixed=_variant(folders, folders[-1] / "fixed"),
        deleted=_variant(folders, folders[-1] / "deleted"),
        cause=described.get("cause", ""),
        fix=described.get("fix", ""),
        symptom=described.get("symptom", ""),
        plain=plain,
        passes=described.get("passes", "unseen" if plain == "passes" else "impossible"),
        code=described.get("code", ""),
        says=tuple(described.get("says", ())),
        never=(*_NEVER, *described.get("never", ())),
        undone=described.get("undone", ""),
        database=described.get("database", ""),
        options=tuple(described.get("options", ())),
        timeout=described.get("timeout", 60),
    )
