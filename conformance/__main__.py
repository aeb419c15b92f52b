"""Fetch the source distributions, and run their tests twice: with the client that they are of, and with hermetic's.

What must hold: every item that passes with the first passes with the second. Nothing of what is fetched is kept.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]
HTTPX = "0.28.1"
LIBRARIES = ("itsdangerous", "jinja2", "opentelemetry-sdk", "python-multipart", "pyyaml", "sniffio", "trio")


def fetch(name: str, release: str, into: Path) -> Path:
    """Download and unpack a source distribution; return its folder."""
    options = ["--no-deps", "--no-binary", ":all:", "--quiet", "--dest", str(into)]
    subprocess.run([sys.executable, "-m", "pip", "download", *options, f"{name}=={release}"], check=True)
    (archive,) = into.glob(f"{name}-*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(into, filter="data")
    return into / f"{name}-{release}"


def install(libraries: Path) -> None:
    """Install what Starlette's tests import, for these runs alone."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(libraries), *LIBRARIES]
    subprocess.run(command, check=True)


def outcomes(folder: Path, tests: list[str], *plugins: str) -> dict[str, str]:
    """Run tests; return how each item ended."""
    options = [part for plugin in ("anyio", *plugins) for part in ("-p", plugin)]
    flags = ["-q", "-rA", "--no-header", "--tb=short", "-p", "no:cacheprovider", "-k", "not trio"]
    command = [sys.executable, "-m", "pytest", *flags, *options, *tests]
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": f"{folder}:{ROOT}:{folder.parent / 'libraries'}",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "COLUMNS": "400",
    }
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    found = re.findall(
        r"^(PASSED|FAILED|ERROR|XFAIL|SKIPPED) (\S+::.*?)(?: - .*)?$", done.stdout, re.MULTILINE
    )
    (folder / f"output-{len(plugins)}.txt").write_text(done.stdout + done.stderr)
    return {item: how for how, item in found}


def prepare_starlette(work: Path) -> tuple[Path, list[str]]:
    """Fetch Starlette's tests; without the package beside them, so that the installed one is tested."""
    folder = fetch("starlette", version("starlette"), work)
    (folder / "starlette").rename(folder / "not_imported")
    return folder, ["tests"]


def prepare_httpx(work: Path) -> tuple[Path, list[str]]:
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
    return folder, ["tests/test_asgi.py"]


def compare(name: str, folder: Path, tests: list[str]) -> bool:
    """Run a suite both ways and say what differs."""
    theirs = outcomes(folder, tests)
    ours = outcomes(folder, tests, "conformance.plugin")
    passing = {item for item, how in theirs.items() if how == "PASSED"}
    lost = sorted(item for item in passing if ours.get(item) != "PASSED")
    print(
        f"{name}: {len(passing)} items pass with its own client, {len(passing) - len(lost)} of them with hermetic's"
    )
    for item in lost:
        print(f"  {ours.get(item, 'not run')}: {item}")
    if lost and "--verbose" in sys.argv:
        print((folder / "output-1.txt").read_text())
    return not lost and bool(passing)


def main() -> int:
    """Run both suites; the exit status says whether nothing was lost."""
    with tempfile.TemporaryDirectory(prefix="hermetic-conformance-") as temporary:
        work = Path(temporary)
        install(work / "libraries")
        held = [
            compare(f"starlette {version('starlette')}", *prepare_starlette(work)),
            compare(f"httpx {HTTPX}, tests/test_asgi.py", *prepare_httpx(work)),
        ]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
