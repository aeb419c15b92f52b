"""What the runs of a project leave in files: templates, and databases of failed tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from hermetic.database.backends.sqlite.restore.copies import kept_files, remove_kept_file
from hermetic.database.backends.sqlite.template_files import TemplateFiles
from hermetic.database.stored import Entry, Project, Stored


def stored(project: Project) -> Stored:
    """Return what there is."""
    return Stored(templates=_templates(project), files=_files(project))


def clean(project: Project, *, everything: bool, dry_run: bool) -> Iterator[str]:
    """Remove kept databases; with ``everything`` the project's templates too. Yield what was, or would be, removed."""
    for entry in _files(project):
        if not dry_run:
            remove_kept_file(project.kept, Path(entry.name).stem)
        yield f"{entry.name}  {entry.note.get('test', '')}"
    for entry in _templates(project) if everything else ():
        if not dry_run:
            Path(entry.name).unlink(missing_ok=True)
        yield entry.name


def _templates(project: Project) -> list[Entry]:
    found = []
    for path, note in TemplateFiles(project.root).templates():
        with suppress(FileNotFoundError):  # a run has dropped it since
            found.append(Entry(str(path), "", path.stat().st_size, note))
    return found


def _files(project: Project) -> list[Entry]:
    return [
        Entry(str(path), "", path.stat().st_size, note)
        for name, note in kept_files(project.kept).items()
        if (path := Path(project.kept, f"{name}.db")).exists()
    ]
