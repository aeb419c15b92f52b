"""What ``hermetic db clean`` removes: only what hermetic made for this project."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from hermetic.cli.db.project import Project
from hermetic.cli.db.survey import databases, files, living, served
from hermetic.database.restore.sqlite import keeping
from hermetic.database.servers.postgresql import catalogue
from hermetic.database.servers.postgresql.places import cache_directory


def clean(project: Project, *, everything: bool, dry_run: bool) -> list[str]:
    """Remove a project's kept databases; with ``everything`` its templates and caches too.

    Args:
        project: Whose.
        everything: Templates, and the data of embedded servers, as well.
        dry_run: Remove nothing.

    Returns:
        What was, or would be, removed.
    """
    removed = [*_files(project, dry_run)]
    cluster = project.cluster()
    if everything and cluster is not None:
        return [*removed, *_paths([cluster, *_shared(project)], dry_run)]
    removed += _databases(project, everything, dry_run)
    return [*removed, *_paths(_shared(project), dry_run)] if everything else removed


def _files(project: Project, dry_run: bool) -> Iterator[str]:
    for entry in files(project):
        if not dry_run:
            keeping.forget(project.kept, Path(entry.name).stem)
        yield f"{entry.name}  {entry.note.get('test', '')}"


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


def _shared(project: Project) -> list[Path]:
    """Return what all projects of this user share, and the next run makes anew, unless a run is using it now."""
    if living(project):
        return []
    cache = cache_directory()
    return [path for path in (cache / "initdb", *sorted(cache.glob("binaries-*"))) if path.exists()]


def _paths(paths: list[Path], dry_run: bool) -> list[str]:
    for path in paths if not dry_run else []:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return [str(path) for path in paths]
