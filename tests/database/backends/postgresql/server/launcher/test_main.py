"""Tests of the launcher's steps, taken in this process; what the process does as a whole is tested one folder up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hermetic.database.backends.postgresql.server import installed, launch
from hermetic.database.backends.postgresql.server.launcher import cluster, files, main
from hermetic.database.backends.postgresql.server.launcher.account import Account
from hermetic.database.backends.postgresql.server.launcher.cluster import StartError
from hermetic.database.backends.postgresql.server.launcher.main import Request
from hermetic.database.backends.postgresql.server.launcher.server import Server, describe, drop_databases
from tests.database.backends.postgresql.server.processes import eventually, free_port, server_of


@pytest.fixture
def request_(place: Path, cache: Path) -> Request:
    """What is asked of a launcher."""
    home = place / "home"
    home.mkdir(mode=0o755)
    return Request(
        home=str(home),
        binaries=str(installed.any_().path),
        cache=str(cache),
        project=str(place / "project"),
        socket=str(home / "socket"),
        port=5432,
        max_connections=20,
        limit=30,
    )


@pytest.fixture
def server(request_: Request) -> Server:
    """Its server."""
    return Server(request_.home, request_.socket, request_.port, request_.max_connections)


def kept(request_: Request) -> Path:
    """Return where the project's cluster is kept."""
    return Path(cluster.of_project(request_.project, request_.binaries, request_.cache))


def test_from_launch_to_finish(request_: Request, server: Server) -> None:
    """The report says what the other processes need to know; in the end nothing is left."""
    what = main.launch(request_, server)
    assert what["binaries"] == request_.binaries
    assert str(what["version"])[0].isdigit()
    assert server.pid == server_of(Path(request_.home))
    assert server.poll() is None
    main.finish(request_, server)
    assert not os.path.exists(request_.home)
    assert server.poll() == 0
    assert not server.stop(signal.SIGQUIT)


@pytest.mark.parametrize("form", ["short", "long", "loopback"])
def test_what_is_kept_is_found_again(request_: Request, place: Path, form: str) -> None:
    """Wherever the server listens."""
    socket = {"short": f"{request_.home}/socket", "long": str(place / "elsewhere"), "loopback": ""}[form]
    with free_port() as port:
        asked = request_._replace(socket=socket, port=port)
        for _ in range(2):
            os.makedirs(asked.home, exist_ok=True)
            server = Server(asked.home, asked.socket, asked.port, 20)
            what = main.launch(asked, server)
            assert "error" not in what
            files.write_whole(f"{asked.home}/keep", json.dumps({**what, "kept": ["hermetic_t_"]}))
            main.finish(asked, server)
    assert not os.path.exists(asked.home)
    assert not os.path.exists(place / "elsewhere")
    assert kept(asked).is_file()


def test_a_project_whose_cluster_is_torn_starts_anew(request_: Request, server: Server) -> None:
    """As when the machine crashed while it was written."""
    kept(request_).parent.mkdir(parents=True, exist_ok=True)
    kept(request_).write_text("torn")
    assert "error" not in main.launch(request_, server)
    main.finish(request_, server)


def test_a_cluster_that_cannot_be_kept_is_not_half_kept(
    request_: Request, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run ends in good order all the same."""
    what = main.launch(request_, server)
    files.write_whole(f"{request_.home}/keep", json.dumps({**what, "kept": ["hermetic_t_"]}))
    monkeypatch.setattr(os, "sendfile", lambda *_: (_ for _ in ()).throw(OSError(28, "No space")))
    main.finish(request_, server)
    assert not os.path.exists(request_.home)
    assert not kept(request_).exists()


def test_a_torn_cluster_is_not_kept(request_: Request, server: Server) -> None:
    """Nor one with worker databases in it: here, for want of a psql."""
    main.launch(request_, server)
    files.write_whole(f"{request_.home}/keep", json.dumps({"binaries": "/nowhere", "kept": ["hermetic_t_"]}))
    main.finish(request_, server)
    assert not kept(request_).exists()


def test_a_killed_servers_memory_is_freed(request_: Request, server: Server) -> None:
    """It had no time to do that itself."""
    main.launch(request_, server)
    segment = (Path(server.data) / "postmaster.pid").read_text().splitlines()[6].split()[1]
    os.kill(server.pid, signal.SIGKILL)
    eventually(lambda: server.poll() is not None, "it has ended")

    def segments() -> set[str]:
        return {row.split()[1] for row in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]}

    eventually(lambda: segment not in segments(), "its last child has let go of the memory")
    main.finish(request_, server)


def test_a_failed_start_leaves_room(request_: Request, server: Server) -> None:
    """The report says why, and the data directory is gone."""
    what = main.launch(request_._replace(binaries="/nowhere"), server)
    assert "/nowhere/postgres" in str(what["error"])
    assert not os.path.exists(server.data)
    main.finish(request_, server)


def test_a_home_that_the_server_cannot_enter_is_told(
    request_: Request, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before PostgreSQL says so in its own way."""
    monkeypatch.setattr(main, "can", lambda who, check: not check())
    assert request_.home in str(main.launch(request_, server)["error"])
    main.finish(request_, server)


def test_the_report_lets_go_of_the_pipe(request_: Request) -> None:
    """What is said afterwards goes to the log."""
    kept = os.dup(1), os.dup(2)
    try:
        main.report(request_, {"version": "18.6"})
        os.write(1, b"after")
    finally:
        for number, descriptor in enumerate(kept, 1):
            os.dup2(descriptor, number)
            os.close(descriptor)
    assert files.read(f"{request_.home}/log") == "after"
    assert files.read(f"{request_.home}/report") == '{"version": "18.6"}'


def test_there_is_one_launcher(tmp_path: Path) -> None:
    """The second sees that it is; somebody who only looks is not mistaken for one."""
    script = (
        "import fcntl, sys\n"
        "file = open(sys.argv[1], 'w')\n"
        "fcntl.lockf(file, fcntl.LOCK_EX)\n"
        "print(flush=True)\n"
        "sys.stdin.read()\n"
    )
    lock = os.open(tmp_path / "launcher", os.O_RDWR | os.O_CREAT)
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "launcher")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as first:
        assert first.stdout
        first.stdout.readline()
        assert not main.is_first(lock)
        first.communicate()
    assert main.is_first(lock)
    os.close(lock)


def test_what_a_start_imports() -> None:
    """Not what only a first start on a machine, or a cluster that is kept, needs."""
    look = "print(*sys.modules); raise SystemExit"
    command = [sys.executable, "-I", "-S", "-c", launch.BOOT.replace("main(sys.argv[2])", look)]
    loaded = subprocess.run(
        [*command, str(Path(launch.__file__).parent)], capture_output=True, text=True
    ).stdout.split()
    assert "launcher.main" in loaded
    assert not {"bz2", "locale", "lzma", "random", "shutil", "subprocess", "tempfile"} & set(loaded)


def test_the_end_is_when_nobody_holds_the_home(tmp_path: Path) -> None:
    """Nobody does here, so there is no waiting."""
    main.wait_for_the_end(str(tmp_path))


def test_a_program_that_cannot_be_executed_is_told(request_: Request, server: Server) -> None:
    """By the process that tried."""
    with pytest.raises(StartError, match="exit status 127"):
        server.start(["/no/such/postgres"], account_of_us(), 30)


def test_a_server_that_does_not_end_is_killed(server: Server) -> None:
    """The end of a run is bounded."""
    ignores = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
    with pytest.raises(StartError, match="did not accept"):
        server.start([sys.executable, "-c", "import time; time.sleep(600)"], account_of_us(), 0.01)
    child = subprocess.Popen([sys.executable, "-c", ignores], stdout=subprocess.PIPE)
    assert child.stdout
    child.stdout.readline()
    server.pid, server.status = child.pid, None
    assert not server.stop(signal.SIGINT, limit=0.01)
    assert describe(server.status) == "signal SIGKILL"
    child.stdout.close()
    child.returncode = -9


def test_psql_that_hangs_drops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does one that fails or is not there."""
    assert not drop_databases(str(tmp_path), "", 1, ["hermetic_t_"])
    (tmp_path / "psql").write_text("#!/bin/sh\nexit 2\n")
    (tmp_path / "psql").chmod(0o755)
    assert not drop_databases(str(tmp_path), "/socket", 1, ["hermetic_t_"])


def test_how_a_process_ended() -> None:
    """In words."""
    assert describe(None) == "still running"
    assert describe(9) == "signal SIGKILL"
    assert describe(256) == "exit status 1"


@pytest.mark.parametrize(
    ("major", "options"),
    [
        (15, []),
        (17, ["--locale-provider=builtin"]),
        (18, ["--locale-provider=builtin", "--no-data-checksums"]),
    ],
)
def test_options_by_version(major: int, options: list[str], server: Server) -> None:
    """Each major version is given what it knows."""
    given = cluster.initdb_options(major)
    for option in ("--locale-provider=builtin", "--no-data-checksums"):
        assert (option in given) == (option in options)
    assert ("io_method=sync" in server.command("/bin", major)) == (major >= 18)
    assert ("builtin" in cluster.locale_name(major)) == (major >= 17)


def test_a_machine_without_the_locale_has_c(monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS had no C.UTF-8 for long."""
    import locale

    def refuse(category: int, name: str | None = None) -> str:
        if name:
            raise locale.Error("unsupported locale setting")
        return "C"

    monkeypatch.setattr(locale, "setlocale", refuse)
    assert cluster.locale_name(15) == "C"


def account_of_us() -> Account:
    """Return an account that is this process's own."""
    return Account(os.getuid(), os.getgid())
