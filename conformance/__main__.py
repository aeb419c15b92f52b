"""Fetch the source distributions, and run their tests twice: with the client that they are of, and with hermetic's.

Starlette's and httpx's tests are of clients: they get their own one on hermetic's transport. FastAPI's use one, so
there every method is ``AsyncTestClient``'s. What must hold: every item that passes with the first passes with the
second. FastAPI's are run a third way, too: rewritten by ``hermetic migrate`` (``migrate.py``). Nothing of what is
fetched is kept; what came of each part is, in ``results/``. ``python -m conformance PART ...`` runs parts:
``starlette``, ``httpx``, ``fastapi``, ``migrate``.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.metadata import distributions, version
from pathlib import Path

from conformance.migrate import Rewritten, count, holds, rewrite, said
from hermetic.migrate.verify.record import Record

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
HTTPX = "0.28.1"
TIMEOUT = 120
"""Seconds that a test of FastAPI's, or a process that it starts, may take."""
LIBRARIES = (
    "a2wsgi",
    "dirty-equals",
    "flask",
    "inline-snapshot",
    "itsdangerous",
    "jinja2",
    "opentelemetry-exporter-otlp-proto-http",
    "opentelemetry-sdk",
    "orjson",
    "pwdlib[argon2]",
    "pydantic-extra-types",
    "pyjwt",
    "python-multipart",
    "pyyaml",
    "sniffio",
    "strawberry-graphql",
    "trio",
    "ujson",
)


@dataclass(frozen=True)
class Suite:
    """Another project's tests.

    Attributes:
        name: What they are called.
        folder: Where they are run.
        tests: Which they are.
        plugin: What puts hermetic's client in place of the one that they are written for.
        options: More arguments of pytest.
    """

    name: str
    folder: Path
    tests: tuple[str, ...]
    plugin: str = "conformance.plugin"
    options: tuple[str, ...] = ()


def fetch(name: str, release: str, into: Path) -> Path:
    """Download and unpack a source distribution; return its folder."""
    options = ["--no-deps", "--no-binary", ":all:", "--quiet", "--dest", str(into)]
    subprocess.run([sys.executable, "-m", "pip", "download", *options, f"{name}=={release}"], check=True)
    (archive,) = into.glob(f"{name}-*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(into, filter="data")
    return into / f"{name}-{release}"


def install(libraries: Path) -> None:
    """Install what the tests import, for these runs alone, beside the versions that are there."""
    libraries.mkdir()
    versions = {each.name: each.version for each in distributions() if each.name != "hermetic"}
    (libraries / "versions.txt").write_text("".join(f"{name}=={is_}\n" for name, is_ in versions.items()))
    options = ["--quiet", "--target", str(libraries), "--constraint", str(libraries / "versions.txt")]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, *LIBRARIES], check=True)


def command_of(suite: Suite, *plugins: str) -> list[str]:
    """Return the command that runs tests; it tells of none that passes, for which pytest takes minutes of 5,000."""
    options = [part for plugin in ("anyio", *plugins) for part in ("-p", plugin)]
    flags = ["-q", "--no-header", "--tb=short", "-p", "no:cacheprovider", "-k", "not trio"]
    flags.append("--continue-on-collection-errors")  # one file that cannot be imported ends no run
    return [sys.executable, "-m", "pytest", *flags, *options, *suite.options, *suite.tests]


def environment_of(suite: Suite) -> dict[str, str]:
    """Return the variables with which they are run."""
    return {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": f"{suite.folder}:{ROOT}:{suite.folder.parent / 'libraries'}",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "COLUMNS": "400",
    }


def outcomes(suite: Suite, *plugins: str) -> dict[str, str]:
    """Run tests; return how each item ended."""
    done = subprocess.run(
        [*command_of(suite, *plugins), "-rA"],
        cwd=suite.folder,
        env=environment_of(suite),
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.findall(
        r"^(PASSED|FAILED|ERROR|XFAIL|SKIPPED) (\S+::.*?)(?: - .*)?$", done.stdout, re.MULTILINE
    )
    (suite.folder / f"output-{len(plugins)}.txt").write_text(done.stdout + done.stderr)
    return {item: how for how, item in found}


def starlette(work: Path) -> Suite:
    """Fetch Starlette's tests; without the package beside them, so that the installed one is tested."""
    release = version("starlette")
    folder = fetch("starlette", release, work)
    (folder / "starlette").rename(folder / "not_imported")
    return Suite(f"starlette {release}", folder, ("tests",))


def httpx(work: Path) -> Suite:
    """Fetch httpx's tests of its ASGI transport, and have them import httpx2."""
    folder = fetch("httpx", HTTPX, work)
    test = folder / "tests" / "test_asgi.py"
    kept = test.read_text().replace("import httpx\n", "import httpx2 as httpx\n")
    for other in (folder / "tests").glob("*.py"):
        other.unlink()
    (folder / "tests" / "test_asgi.py").write_text(kept)
    settings = tomllib.loads((folder / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    (folder / "httpx").rename(folder / "not_imported")
    (folder / "pyproject.toml").write_text(f"[tool.pytest.ini_options]\nmarkers = {settings['markers']!r}\n")
    return Suite(f"httpx {HTTPX}, tests/test_asgi.py", folder, ("tests/test_asgi.py",))


def fastapi(work: Path) -> Suite:
    """Fetch FastAPI's tests but the benchmarks, with time on a busy machine.

    In one process: some write into the working directory, which they lock for each other and not for all.
    """
    release = version("fastapi")
    folder = fetch("fastapi", release, work)
    (folder / "fastapi").rename(folder / "not_imported")
    started = folder / "tests" / "test_telemetry" / "_subprocess.py"
    started.write_text(started.read_text().replace("timeout=15,", f"timeout={TIMEOUT},"))
    benchmarks = [f"--ignore=tests/{name}" for name in ("benchmarks", "memory_benchmarks")]
    alone = ["-p", "xdist", "-n", "0"]  # for its mark
    patience = ["-p", "pytest_timeout", "-o", f"timeout={TIMEOUT}"]
    return Suite(
        f"fastapi {release}", folder, ("tests",), "conformance.whole_plugin", (*benchmarks, *alone, *patience)
    )


def compare(suite: Suite) -> tuple[bool, list[str]]:
    """Run a suite both ways; return whether nothing was lost, and what differs."""
    theirs = outcomes(suite)
    ours = outcomes(suite, suite.plugin)
    passing = {item for item, how in theirs.items() if how == "PASSED"}
    lost = sorted(item for item in passing if ours.get(item) != "PASSED")
    kept = len(passing) - len(lost)
    if lost and "--verbose" in sys.argv:
        print((suite.folder / "output-1.txt").read_text())
    return not lost and bool(passing), [
        f"{suite.name}: {len(passing)} items pass with its own client, {kept} of them with hermetic's",
        *(f"  {ours.get(item, 'not run')}: {item}" for item in lost),
    ]


def migrated(work: Path) -> tuple[bool, list[str]]:
    """Rewrite a copy of FastAPI's tests, run both at once, and return whether enough holds, and what differs."""
    suite = fastapi(work)
    copy = replace(suite, folder=suite.folder.with_name("rewritten"))
    shutil.copytree(suite.folder, copy.folder)
    migration = rewrite(copy.folder)

    def counted(each: Suite) -> Record:
        into = work / f"counts-{each.folder.name}"
        return count(each.folder, command_of(each), environment_of(each), into)

    with ThreadPoolExecutor() as both:
        runs = Rewritten(*both.map(counted, (suite, copy)))
    return holds(migration, runs), said(suite.name, migration, runs)


PARTS: dict[str, Callable[[Path], tuple[bool, list[str]]]] = {
    "starlette": lambda work: compare(starlette(work)),
    "httpx": lambda work: compare(httpx(work)),
    "fastapi": lambda work: compare(fastapi(work)),
    "migrate": migrated,
}


def main() -> int:
    """Run the suites; the exit status says whether nothing was lost."""
    chosen = [word for word in sys.argv[1:] if not word.startswith("-")] or list(PARTS)
    if not PARTS.keys() >= set(chosen):
        sys.exit(f"the parts are: {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory(prefix="hermetic-conformance-") as temporary:
        work = Path(temporary)
        install(work / "libraries")
        held = [_run(work, part) for part in chosen]
    return 0 if all(held) else 1


def _run(work: Path, part: str) -> bool:
    """Run a part, and say and write down what came of it."""
    is_good, lines = PARTS[part](_home(work, part))
    text = "\n".join(lines)
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{part}.txt").write_text(f"{text}\n", encoding="utf-8")
    return is_good


def _home(work: Path, part: str) -> Path:
    """Make the folder of a part, beside which are the libraries of all."""
    home = work / part
    home.mkdir()
    (home / "libraries").symlink_to(work / "libraries")
    return home


if __name__ == "__main__":
    sys.exit(main())
