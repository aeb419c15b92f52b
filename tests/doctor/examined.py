"""Examine small projects whose versions a lock file tells."""

from __future__ import annotations

from hermetic.cli.databases import DATABASES
from hermetic.doctor.examination import Diagnosis, examine
from tests.source.projects import Project

VERSIONS = {
    "pytest": "9.2.0",
    "pytest-asyncio": "1.5.0",
    "httpx": "0.28.1",
    "sqlalchemy": "2.1.9",
}
AUTO = "[pytest]\nasyncio_mode = auto\n"


def lock(**versions: str) -> str:
    """Return a lock file of uv's with versions, those of today where none is given; empty ones are left out."""
    wanted = VERSIONS | {name.replace("_", "-"): version for name, version in versions.items()}
    return "\n".join(
        f'[[package]]\nname = "{name}"\nversion = "{version}"\n'
        for name, version in wanted.items()
        if version
    )


def diagnosed(
    project: Project, files: dict[str, str], *, uses_hermetic: bool = True, **versions: str
) -> Diagnosis:
    """Examine a project of some files."""
    project.write({".git/HEAD": "", "uv.lock": lock(**versions), **files})
    return examine(project.root, DATABASES, uses_hermetic=uses_hermetic)


def found(project: Project, files: dict[str, str], **versions: str) -> list[str]:
    """Return what is found in a project, as ``file:line:column code``."""
    diagnosis = diagnosed(project, files, uses_hermetic=True, **versions)
    return [
        f"{each.file.relative_to(project.root.resolve())}:{each.line}:{each.column} {each.rule.code}"
        for each in diagnosis.findings
    ]


def told(project: Project, files: dict[str, str], **versions: str) -> str:
    """Return the text of the one finding of a project."""
    (finding,) = diagnosed(project, files, uses_hermetic=True, **versions).findings
    return finding.text
