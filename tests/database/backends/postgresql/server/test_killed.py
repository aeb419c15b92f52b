"""Tests of every way in which a part of a run can be ended from outside."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from hermetic.database.backends.postgresql.server import instance_from
from hermetic.errors import ConfigurationError
from tests.database.backends.postgresql.server.conftest import Make
from tests.database.backends.postgresql.server.processes import (
    STARTED,
    WAITS,
    eventually,
    gone,
    homes_in,
    kill,
    launcher_of,
    line,
    processes_of,
    run,
    server_of,
)


def test_a_killed_run_leaves_nothing(place: Path) -> None:
    """kill -9 of the only process: server and directory are gone soon."""
    process = run(place, STARTED + WAITS)
    home = Path(json.loads(line(process))["home"])
    assert len(processes_of(home)) == 2
    kill(process)
    eventually(lambda: gone(home), "nothing is left")


def test_an_end_without_stop_leaves_nothing(place: Path) -> None:
    """An interpreter that ends by itself stops its server, and waits for that."""
    process = run(place, STARTED)
    home = Path(json.loads(line(process))["home"])
    process.communicate()
    assert process.returncode == 0
    assert gone(home)


def test_a_killed_worker_leaves_the_server(make: Make) -> None:
    """kill -9 of one process of several: the others go on."""
    first = make()
    first.start()
    worker = run(json.dumps(first.handover()), STARTED + WAITS)
    line(worker)
    kill(worker)
    first.connect().close()
    first.stop()
    assert gone(first.home)


def test_a_server_that_a_worker_started_survives_it(make: Make) -> None:
    """Whoever needed it first may be killed."""
    first = make()
    worker = run(json.dumps(first.handover()), STARTED + WAITS)
    line(worker)
    kill(worker)
    first.connect().close()


def test_the_server_stays_until_the_last_process_ends(place: Path, make: Make) -> None:
    """kill -9 of the controller: its workers can end what they are at, then nothing is left."""
    controller = run(place, STARTED + WAITS)
    handover = json.loads(line(controller))
    worker = instance_from(handover)
    worker.start()
    kill(controller)
    worker.connect().close()
    worker.stop()
    assert gone(Path(handover["home"]))


def test_a_fork_does_not_keep_the_server(place: Path) -> None:
    """A child that pytest forked and forgot, daemonic or hung, is no process of the run."""
    forks = "import os\nif not os.fork():\n    sys.stdin.read()\n    os._exit(0)\n"
    process = run(place, STARTED + forks + "import signal; os.kill(os.getpid(), signal.SIGKILL)\n")
    home = Path(json.loads(line(process))["home"])
    process.wait()
    eventually(lambda: gone(home), "nothing is left")
    process.communicate()


def test_a_killed_server_is_told(make: Make) -> None:
    """The error names the log; stopping is clean, and the next start works."""
    instance = make()
    instance.start()
    os.kill(server_of(instance.home), signal.SIGKILL)
    eventually(lambda: len(processes_of(instance.home)) == 1, "the launcher has reaped it")
    with pytest.raises(ConfigurationError, match="no longer answers") as caught:
        instance.connect()
    assert str(instance.home / "log") in str(caught.value)
    instance.stop()
    assert gone(instance.home)
    instance.connect().close()


def test_a_killed_server_leaves_no_shared_memory(make: Make) -> None:
    """The segment that guards its data directory does not outlive it."""

    def segments() -> set[str]:
        return {row.split()[1] for row in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]}

    instance = make()
    instance.start()
    ours = (instance.home / "data" / "postmaster.pid").read_text().splitlines()[6].split()[1]
    assert ours in segments()
    os.kill(server_of(instance.home), signal.SIGKILL)
    instance.stop()
    eventually(lambda: ours not in segments(), "its last child has let go of the memory")


def test_a_killed_launcher_ends_the_server(place: Path, make: Make) -> None:
    """The kernel does that; the next run removes the home."""
    process = run(place, STARTED + WAITS)
    home = Path(json.loads(line(process))["home"])
    os.kill(launcher_of(home), signal.SIGKILL)
    eventually(lambda: not processes_of(home), "the server is gone")
    kill(process)
    assert home.exists()
    instance = make()
    instance.start()
    assert homes_in(place) == [instance.home]


def test_a_killed_launcher_leaves_nothing_after_stop(make: Make) -> None:
    """A run that goes on to its end removes its own home."""
    instance = make()
    instance.start()
    os.kill(launcher_of(instance.home), signal.SIGKILL)
    instance.stop()
    assert gone(instance.home)


def test_the_wait_for_the_launcher_is_bounded(make: Make) -> None:
    """One that a debugger holds does not hang the run; the server ends, and the home goes."""
    instance = make()
    instance.start()
    launcher = launcher_of(instance.home)
    os.kill(launcher, signal.SIGSTOP)
    instance._limit = 0.01
    instance.stop()
    assert not instance.home.exists()
    os.kill(launcher, signal.SIGKILL)
    eventually(lambda: gone(instance.home), "nothing is left")


def test_a_terminated_launcher_cleans_up(make: Make) -> None:
    """As at a machine's shutdown: it ends the server and the home at once."""
    instance = make()
    instance.start()
    os.kill(launcher_of(instance.home), signal.SIGTERM)
    eventually(lambda: gone(instance.home), "nothing is left")
    with pytest.raises(ConfigurationError, match="no longer answers"):
        instance.connect()
    instance.stop()


def test_an_interrupt_does_not_reach_the_server(place: Path) -> None:
    """Ctrl-C goes to every process of the terminal's group; the server is in another session."""
    survives = "import os, signal; signal.signal(signal.SIGINT, lambda *_: os.write(1, b'interrupted\\n'))\n"
    uses = "sys.stdin.readline()\ninstance.connect().close()\nprint('answers', flush=True)\n"
    process = run(place, survives + STARTED + uses, start_new_session=True)
    line(process)
    os.killpg(process.pid, signal.SIGINT)
    assert line(process) == "interrupted"
    assert process.communicate("\n")[0] == "answers\n"


def test_two_processes_of_a_run_start_one_server(make: Make) -> None:
    """Whoever comes second finds it, or waits for it."""
    first = make()
    handover = json.dumps(first.handover())
    workers = [run(handover, STARTED + WAITS) for _ in range(2)]
    for worker in workers:
        line(worker)
    eventually(lambda: len(processes_of(first.home)) == 2, "a second launcher has seen that it is second")
    for worker in workers:
        worker.communicate("")
    first.connect().close()


def test_two_runs_make_the_cache_once(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both start on what one initdb made, and nothing half-made stays."""
    monkeypatch.setenv("HERMETIC_CACHE", str(tmp_path / "fresh"))
    identify = "print(*instance.connect().execute('SELECT system_identifier FROM pg_control_system()'))\n"
    runs = [run(place, "import warnings; warnings.simplefilter('ignore')\n" + identify) for _ in range(2)]
    first, second = (process.communicate()[0] for process in runs)
    assert first == second != ""
    names = sorted(path.name for path in (tmp_path / "fresh" / "initdb").iterdir())
    assert len(names) == 2
    assert names[1] == f"{names[0]}.lock"
    assert names[0].endswith(".cluster")
