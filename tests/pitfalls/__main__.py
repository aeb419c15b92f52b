"""Run the pitfalls: ``make pitfalls``, or ``python -m tests.pitfalls [NAME ...] [--show] [--plain] [--record]``."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.pitfalls import corpus, endings, page, plain, results
from tests.pitfalls.corpus import Case
from tests.pitfalls.projects import project, with_hermetic


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for, print a table, and compare it with what is recorded.

    Returns:
        1 if a project ends worse than recorded, else 0.
    """
    asked = _parsed(arguments)
    cases = [case for case in _every() if _wanted(case, asked.names)]
    if asked.plain:
        return plain.main(cases, show=asked.show)
    recorded = results.read()
    found: dict[str, str] = {}
    worse = []
    with tempfile.TemporaryDirectory(prefix="pitfalls-") as cache, ThreadPoolExecutor(asked.jobs) as pool:
        os.environ.setdefault("HERMETIC_CACHE", cache)
        for name, ending, output in pool.map(_end, list(_runs(cases))):
            found[name] = ending
            before = recorded.get(name)
            note = "" if before in (ending, None) else f"   was: {before}"
            print(f"{name:60} {ending}{note}", flush=True)
            if asked.show:
                print(output)
            if before is not None and endings.is_worse(ending, before):
                worse.append(name)
    print(_totals(found))
    if asked.record:
        results.write({**recorded, **found}, known={run.name for run in _runs(_every())})
        page.write(results.read())
    elif worse:
        print(f"worse than recorded: {', '.join(worse)}")
    return 1 if worse and not asked.record else 0


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.pitfalls", description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of names; all if none is given")
    parser.add_argument("--show", action="store_true", help="print what each run printed")
    parser.add_argument(
        "--plain", action="store_true", help="run without hermetic: is each as it is described?"
    )
    parser.add_argument("--record", action="store_true", help="write tests/pitfalls/results.json")
    parser.add_argument("--jobs", type=int, default=2, help="how many runs at once (default: 2)")
    return parser.parse_args(arguments)


def _every() -> Iterator[Case]:
    yield from corpus.own()
    yield from corpus.given()
    yield from corpus.healthy()


def _wanted(case: Case, names: Sequence[str]) -> bool:
    return not names or any(name in case.name for name in names)


class Asked(NamedTuple):
    """One run.

    Attributes:
        name: What it is called in the table.
        case: The case.
        folders: The files of this run.
        is_broken: Whether the project has the fault.
    """

    name: str
    case: Case
    folders: tuple[Path, ...]
    is_broken: bool


def _runs(cases: Iterable[Case]) -> Iterator[Asked]:
    for case in cases:
        yield Asked(case.name, case, case.folders, is_broken=bool(case.cause))
        for variant, folders in (("fixed", case.fixed), ("deleted", case.deleted)):
            if folders:
                yield Asked(f"{case.name} ({variant})", case, folders, is_broken=False)


def _end(asked: Asked) -> tuple[str, str, str]:
    with project(asked.folders) as root:
        ran = with_hermetic(root, asked.case.timeout, asked.case.options)
    ending = endings.of_broken(asked.case, ran) if asked.is_broken else endings.of_healthy(ran)
    lacks = _lacks(asked.case, ran.output) if ending not in endings.GOOD and asked.is_broken else ""
    return asked.name, ending, ran.output + lacks


def _lacks(case: Case, output: str) -> str:
    missing = (f"not said: {words}\n" for words in endings.missing(case, output))
    untrue = (f"said, and not so: {words}\n" for words in endings.untrue(case, output))
    return "".join([*missing, *untrue])


def _totals(found: dict[str, str]) -> str:
    """Return a line for each part of the corpus."""
    parts: dict[str, Counter[str]] = {}
    for name, ending in found.items():
        part = "given" if name.startswith("given/") else "own"
        kind = " without a fault" if ending in (endings.PASSES, endings.FALSE_ALARM) else ""
        parts.setdefault(f"{part}{kind}", Counter())[ending] += 1
    return "\n".join(
        f"{part}: {sum(counted.values())}; "
        + ", ".join(f"{n} {ending}" for ending, n in counted.most_common())
        for part, counted in sorted(parts.items())
    )


if __name__ == "__main__":
    sys.exit(main())
