"""What ``hermetic init`` takes to read a large project: ``python -m benchmarks.init``.

The command only looks (``--check``), at trees of realistic files.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.command import Reading
from benchmarks.tree import FILES, LINES, write_tree

INIT = Reading(
    "init",
    words=("--check",),
    found=("shop.main:app",),
    write=write_tree,
    sizes=(100, FILES),
    counted="Python files",
    about=f"Seconds of a whole `hermetic init --check` on a project whose files have {LINES} lines each: tables, "
    "schemas, queries, services, routes, jobs, settings, tests.",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, keep the raw figures, and print the table."""
    INIT.run(__doc__, arguments)


if __name__ == "__main__":
    main()
