"""What ``hermetic doctor`` takes to read a large suite: ``python -m benchmarks.doctor``.

A project with a thousand test files of 150 lines and the application that they test. Each rule has something to look
at: the versions are locked, and one file has a fault that must be found.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmarks.command import Reading
from benchmarks.tree import LINES, write_tree

VERSIONS = {"pytest": "9.2.0", "pytest-asyncio": "1.5.0", "httpx": "0.28.1", "sqlalchemy": "2.1.9"}
FAULT = """\
import httpx
import pytest

from shop.database import get_session
from shop.main import app


@pytest.fixture(scope="session")
def event_loop(): ...


@pytest.fixture
async def own_client(session):
    app.dependency_overrides[get_session] = lambda: session
    async with httpx.AsyncClient(app=app, base_url="http://test") as client:
        yield client
"""


def write_suite(folder: Path, tests: int) -> Path:
    """Write a project with that many test files, and return its folder."""
    root = write_tree(folder, max(tests // 4, 25))
    written = sorted(path for path in (root / "tests").glob("test_*.py"))
    for number in range(tests - len(written)):
        copied = written[number % len(written)]
        target = root / "tests" / f"more_{number // len(written)}" / copied.name
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(copied, target)
    (root / "tests" / "more_0" / "conftest.py").write_text(FAULT, encoding="utf-8")
    tables = (f'[[package]]\nname = "{name}"\nversion = "{version}"\n' for name, version in VERSIONS.items())
    (root / "uv.lock").write_text("\n".join(tables), encoding="utf-8")
    (root / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n", encoding="utf-8")
    return root


DOCTOR = Reading(
    "doctor",
    words=(),
    found=("HM720", "1 error and 1 warning"),
    write=write_suite,
    sizes=(100, 1000),
    counted="test files",
    about=f"Seconds of a whole `hermetic doctor` on a project whose files have {LINES} lines each; those of the "
    "application, a fifth as many, are read too.",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, keep the raw figures, and print the table."""
    DOCTOR.run(__doc__, arguments)


if __name__ == "__main__":
    main()
