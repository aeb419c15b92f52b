"""Projects for ``hermetic db``, and what their runs would have left."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from hermetic.database.backends.postgresql.server import kept_databases, new_instance, template_databases
from hermetic.database.backends.postgresql.server.host import PostgresqlHost
from hermetic.database.backends.sqlite.restore.copies import keep_file
from hermetic.database.backends.sqlite.template_files import TemplateFiles
from hermetic.database.stored import FOLDER


@dataclass(frozen=True)
class Project:
    """A project below ``root``."""

    root: Path

    def write(self, settings: str) -> Project:
        """Write its configuration."""
        (self.root / "pytest.ini").write_text(f"[pytest]\n{settings}\n")
        return self

    def leave(self, *tests: str, on: str = "embedded") -> list[str]:
        """Leave a template, and a database for each of these tests, as a run does; return those' names."""
        instance = new_instance(on, project=self.root)
        host = PostgresqlHost(instance, project=str(self.root))
        database = f"hermetic_w_{instance.run_id}_main"
        owner = host.owner_for(None)
        host.create(database, owner)
        template_databases.keep(host, database, f"of_{instance.run_id}", {})
        names = [kept_databases.keep(host, database, owner, test).name for test in tests]
        host.drop(database)
        host.close()
        instance.stop()
        return names

    def leave_template(self) -> Path:
        """Leave a template of SQLite."""
        store = TemplateFiles(self.root)
        with store.exclusively():
            store.keep("of_a_run", {}, lambda to: to.execute("CREATE TABLE t (x)"))
        return store.folder / "hermetic_t_of_a_run.db"

    def leave_file(self, test: str) -> Path:
        """Leave a SQLite file for a test."""
        with closing(sqlite3.connect(":memory:")) as connection:
            kept = keep_file(connection, test, self.root / FOLDER)
        return Path(kept.url.database or "")
