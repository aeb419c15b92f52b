"""Dead rows: each restore leaves some behind, and nothing but VACUUM takes them away.

Autovacuum would come whenever it likes. A VACUUM of the few tables that restores rewrote, every so many restores, keeps
their cost flat and takes a millisecond or two.
"""

from __future__ import annotations

from hermetic.database.backends.postgresql.restore.administration import Administration

EVERY = 100
"""Restores between two rounds."""

STALE = """
    SELECT format('%I.%I', schemaname, relname) FROM pg_catalog.pg_stat_user_tables
    WHERE n_dead_tup > 50 OR (schemaname ^@ 'pg_hermetic' AND n_dead_tup > 0)
"""


class Vacuum:
    """Counts restores, and tidies up every so often."""

    def __init__(self) -> None:
        self._restores = 0

    def after_restore(self, administration: Administration) -> None:
        """Note a restore that wrote."""
        self._restores += 1
        if self._restores % EVERY:
            return
        for (table,) in administration.all(STALE):
            administration.run(f"VACUUM (SKIP_LOCKED) {table}")
