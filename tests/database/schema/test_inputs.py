"""What a build depends on beyond its fingerprint: seen while it runs, and looked at before its template is reused."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from hermetic.contents import Contents
from hermetic.database.protocols import WorkerDatabase
from hermetic.settings import Settings
from tests.database.schema.migrated import write

MAKES = """
import csv, importlib, importlib.resources, importlib.util, json, linecache, os, pathlib, pkgutil, tempfile

HERE = pathlib.Path(__file__).parent


def make():
    (HERE / "read.sql").read_text()
    with open(b"deep/relative.csv", newline="") as file:
        list(csv.reader(file))
    with os.fdopen(os.open("by_number.txt", os.O_RDONLY)) as file:
        file.read()
    json.loads(importlib.resources.files("shop_r").joinpath("resource.json").read_text())
    pkgutil.get_data("shop_r", "data.txt")
    for file in sorted((HERE / "many").glob("*.sql")):
        file.read_bytes()
    os.listdir(HERE / "names")
    try:
        open("optional.py")
    except FileNotFoundError:
        pass
    from shop_r import before, now
    import all_r.used
    spec = importlib.util.spec_from_file_location("by_path_r", HERE / "by_path.py")
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    importlib.import_module("plugins_r.named")

    (HERE / "looked_at.txt").stat()
    linecache.getline("shown.txt", 1)
    open(".git/HEAD").close()
    with open("written.json", "w") as file:
        file.write("x")
    open("written.json").close()
    for name in ("compiled.pyc", os.devnull):
        open(name).close()
    with tempfile.NamedTemporaryFile() as temporary:
        open(temporary.name).close()
"""

COMPUTED = "import importlib\nfor name in ['a']:\n    importlib.import_module(f'plugins_r.computed.{name}')\n"
TYPES = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import shop_r.typed\n"

COUNTS = {
    "read.sql": "",
    "deep/relative.csv": "",
    "by_number.txt": "",
    "compiled.pyc": "",
    "shop_r/resource.json": "{}",
    "shop_r/data.txt": "",
    "many/a.sql": "",
    "shop_r/__init__.py": "import shop_r.unused",
    "shop_r/now.py": "",
    "shop_r/before.py": f"from . import chained\nfrom .under import *\n{TYPES}",
    "shop_r/chained.py": "from shop_r.under import deep\nimport shop_r.under.plain\n",
    "shop_r/under/__init__.py": "from ..above import x\n",
    "shop_r/under/deep.py": "",
    "shop_r/under/plain.py": "from pathlib import Path\nroles = Path(__file__).parent / 'roles' / 'of users.json'\n",
    "shop_r/under/roles/of users.json": "",
    "shop_r/above.py": "x = 1\n",
    "all_r/__init__.py": "import all_r.unused\n",
    "all_r/used.py": "",
    "by_path.py": "",
    "plugins_r/__init__.py": "",
    "plugins_r/named.py": COMPUTED,
    "plugins_r/computed/__init__.py": "",
    "plugins_r/computed/a.py": "",
}
"""What the build depends on."""

COUNTS_NOT = {
    "looked_at.txt": "",
    "shown.txt": "",
    ".git/HEAD": "",
    "shop_r/unused.py": "",
    "all_r/unused.py": "",
    "shop_r/typed.py": "",
    "names/a": "",
}
"""What it does not depend on."""

ADDED = ["many/b.sql", "names/b", "optional.py"]
"""What it would read if it were there."""


def contents(root: Path, *, seed: str = "", **settings: Any) -> Contents:
    """Return what makes a database."""
    return Contents.find(Settings(schema=("makes_r:make",), **settings), root, lambda: None)


def note_of(root: Path, worker: WorkerDatabase, **settings: Any) -> dict[str, Any]:
    """Build; return what is noted, as it comes back from where it is kept."""
    found: dict[str, Any] = json.loads(json.dumps(contents(root, **settings).build(worker)))
    return found


def test_what_is_read_counts(package: Path, worker: WorkerDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files and folders, modules that were imported before, and what is missing; not what is only looked at."""
    monkeypatch.chdir(package)
    for name, text in {**COUNTS, **COUNTS_NOT, "makes_r.py": MAKES}.items():
        write(package, name, text)
    importlib.import_module("shop_r.typed")
    importlib.import_module("shop_r.before")
    note, made = note_of(package, worker), contents(package)
    assert made.outdated(note) == ""
    outdated = set()
    for name in (*COUNTS, *COUNTS_NOT, "written.json"):
        text = (package / name).read_text()
        write(package, name, f"{text}# edited")
        if why := made.outdated(note):
            assert why == f"{name} changed"
            outdated.add(name)
        write(package, name, text)
    assert outdated == COUNTS.keys()
    for name in ADDED:
        write(package, name, "")
        assert made.outdated(note).endswith(" changed")
        (package / name).unlink()
    (package / "read.sql").unlink()
    assert made.outdated(note) == "read.sql changed"
    for name in ("deep/relative.csv", "by_number.txt", "many/a.sql"):
        (package / name).unlink()
    assert made.outdated(note).endswith(" and 2 more changed")  # the folder "many", too


def test_what_is_written_while_it_is_read_is_another(package: Path, worker: WorkerDatabase) -> None:
    """Nobody knows which of the two the build has seen."""
    write(package, "read.sql", "")
    late = "import os, pathlib\n\ndef make():\n    file = pathlib.Path(__file__).with_name('read.sql')\n"
    write(package, "makes_r.py", f"{late}    file.read_text()\n    os.utime(file, (1, 1))\n")
    note = note_of(package, worker)
    assert contents(package).outdated(note) == "read.sql changed"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import subprocess\n\ndef make():\n    subprocess.run(['true'])\n", "true"),
        ("import os\n\ndef make():\n    os.system('exit 0')\n", "exit"),
        (
            "import asyncio\n\nasync def make():\n    await (await asyncio.create_subprocess_exec('true')).wait()\n",
            "true",
        ),
    ],
    ids=["subprocess", "system", "asyncio"],
)
def test_what_a_process_reads_is_not_known(
    package: Path, worker: WorkerDatabase, code: str, said: str
) -> None:
    """It is said, with the line that starts it; who names what it depends on knows better."""
    write(package, "makes_r.py", code)
    note = note_of(package, worker)
    known = f"what {said} (makes_r.py:4) read is not known; hermetic_fingerprint names it"
    assert contents(package).outdated(note) == known
    assert note_of(package, worker, fingerprint=("*.sql",)) == {}


def test_processes_of_hermetic_and_of_imports_are_none(
    package: Path, worker: WorkerDatabase, tmp_path: Path
) -> None:
    """A build may be what first needs a server, or a library that looks which git there is."""
    library = tmp_path / "site-packages"
    write(library, "looks_around_r.py", "import subprocess\nsubprocess.run(['true'])\n")
    binaries = str(Path(sys.executable).parent)  # where there is no PostgreSQL
    write(
        package,
        "makes_r.py",
        f"""
import sys
from hermetic.database.backends.postgresql.server.launcher import cluster

sys.path.append({str(library)!r})

def make():
    import looks_around_r
    try:
        cluster._version({binaries!r})
    except OSError:
        pass
""",
    )
    assert note_of(package, worker) == {}
