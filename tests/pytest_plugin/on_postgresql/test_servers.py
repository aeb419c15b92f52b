"""Every server that can serve: the example service's own tests on the wheel's, on one of a directory, on one by URL."""

from __future__ import annotations

import socket
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.database.backends.postgresql.shared_server import URL, alone, shared
from tests.pytest_plugin.project import Project

ROOT = Path(__file__).parents[3]
BINARIES = Path("/usr/lib/postgresql/15/bin")
HOST, PORT = "127.0.0.1", 5432
TEMPLATES = """
SELECT datname FROM pg_database d JOIN pg_db_role_setting ON setdatabase = d.oid
WHERE datname ^@ 'hermetic_t_' AND strpos(setconfig::text, %s) > 0
"""


def is_listening() -> bool:
    """Whether something answers where the external server is looked for."""
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((HOST, PORT)) == 0


needs_binaries = pytest.mark.skipif(not BINARIES.is_dir(), reason=f"there is no PostgreSQL in {BINARIES}")
needs_server = pytest.mark.skipif(not is_listening(), reason=f"no PostgreSQL answers at {HOST}:{PORT}")


@pytest.mark.parametrize(
    "server",
    [
        "embedded",
        pytest.param(str(BINARIES), marks=needs_binaries),
        pytest.param(URL, marks=needs_server),
    ],
)
def test_the_example_service(server: str, cache: Path) -> None:
    """All its tests pass with one setting changed, and the server named; run twice, the second on the template."""
    backend = Project(ROOT, real_start=True)
    backend.environment["HERMETIC_CACHE"] = str(cache)
    settings = ("-o", "hermetic_database=postgresql", "-o", f"hermetic_postgresql={server}")
    with shared() if server == URL else nullcontext():
        result = backend.pytest("backend", *settings)
        again = backend.pytest("backend/tests/test_users.py", *settings)
    assert result.status == 0, result.output
    # Its browser tests need a browser.
    assert {"passed"} <= set(result.outcomes()) <= {"passed", "skipped"}
    assert again.status == 0, again.output
    assert "template reused, built 2" in again.output


@needs_server
@pytest.mark.real_start
def test_nothing_is_left_on_a_server_by_url(project: Project) -> None:
    """Worker databases go with the run, those of a killed run with the next one's start; the template stays."""
    project.write(
        test_a_py="""
        import os
        import signal

        async def test_it(async_client, hermetic_url):
            assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1
            with open("names.txt", "a") as file:
                print(hermetic_url.rpartition("/")[2], file=file)
            if os.environ.get("DIES"):
                os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    settings = ("-o", f"hermetic_postgresql={URL}")
    with alone() as connection:

        def there() -> list[bool]:
            """Which of the databases of the runs, in their order, are still there."""
            query = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = %s)"
            names = (project.root / "names.txt").read_text().split()
            return [bool(row and row[0]) for name in names for row in connection.execute(query, [name])]

        project.environment["DIES"] = "1"
        assert project.pytest(*settings).status == -9
        assert there() == [True]
        del project.environment["DIES"]
        result = project.pytest(*settings)
        assert result.outcomes() == {"passed": 1}, result.output
        assert there() == [False, False]
        (template,) = connection.execute(TEMPLATES, [str(project.root)]).fetchall()
        # Else each run of this suite would leave one more.
        connection.execute(f"DROP DATABASE {template[0]}".encode())
