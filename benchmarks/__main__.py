"""Run all benchmarks: ``make bench``."""

from __future__ import annotations

from benchmarks import (
    client,
    concurrency,
    doctor,
    failures,
    init,
    migrate,
    migrations,
    postgresql_restore,
    postgresql_suite,
    restore,
    startup,
    suite,
)


def main() -> None:
    """Measure everything, the quick ones first, and say where the figures are kept."""
    for benchmark in (
        restore,
        client,
        startup,
        failures,
        init,
        doctor,
        migrate,
        migrations,
        concurrency,
        postgresql_restore,
        suite,
        postgresql_suite,
    ):
        benchmark.main([])
        print()
    print("Kept in benchmarks/results/.")


if __name__ == "__main__":
    main()
