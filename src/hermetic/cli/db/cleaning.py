"""What ``hermetic db clean`` removes: only what hermetic made for this project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hermetic.cli.db.project import Project
from hermetic.cli.db.survey import databases, files, served, template_files
from hermetic.database.backends.postgresql.server import catalogue
from hermetic.database.backends.postgresql.server.launcher.files import remove
from hermetic.database.backends.sqlite.restore import keeping


def clean(project: Project, *, everything: bool, dry_run: bool) -> list[str]:
    """Remove a project's kept databases; with ``everything`` its templates too. What all projects share stays.

    Args:
        project: Whose.
        everything: Templates, files and the data of the project's own server, as well.
        dry_run: Remove nothing.

    Returns:
        What was, or would be, removed.
    """
    removed = [*_files(project, dry_run)]
    if everything:
        removed += _template_files(project, dry_run)
    cluster = project.cluster()
    if everything and cluster is not None:
        if not dry_run:
            remove(str(cluster))
        return [*removed, str(cluster)]
    return [*removed, *_databases(project, everything, dry_run)]


def _files(project: Project, dry_run: bool) -> Iterator[str]:
    for entry in files(project):
        if not dry_run:
            keeping.forget(project.kept, Path(entry.name).stem)
        yield f"{entry.name}  {entry.note.get('test', '')}"


def _template_files(project: Project, dry_run: bool) -> Iterator[str]:
    for entry in template_files(project):
        if not dry_run:
            Path(entry.name).unlink(missing_ok=True)
        yield entry.name


def _databases(project: Project, everything: bool, dry_run: bool) -> list[str]:
    with served(project) as instance:
        if instance is None:
            return []
        templates, kept = databases(project, instance)
        wanted = [*templates, *kept] if everything else kept
        if wanted and not dry_run:
            with instance.connect() as connection:
                for entry in wanted:
                    catalogue.drop(connection, entry.name)
            instance.keep()
        return [f"{entry.name}  {entry.note.get('test', '')}".rstrip() for entry in wanted]
