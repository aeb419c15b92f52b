"""Threads that execute while the main thread ends and closes their connections; run in a process of its own.

Python crashes, with no traceback to report, when a connection is closed under another thread's running statement.
"""

from __future__ import annotations

import sqlite3
import sys
import threading
from pathlib import Path

from hermetic.database.backends.sqlite.restore import SqliteDatabase, TrackedConnection
from tests.database.backends.sqlite.restore.opened import connect, owned

TEST = owned("test_it")
COUNT = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT count(*) FROM n"
)


def work(connection: TrackedConnection, busy: threading.Event) -> None:
    """Write and read until the connection is closed."""
    while True:
        try:
            connection.execute("INSERT INTO t VALUES (1)")
            connection.execute("SELECT * FROM t").fetchmany(2)
            list(connection.execute("SELECT * FROM t"))
            connection.execute(COUNT).fetchone()
            connection.commit()
        except sqlite3.OperationalError:
            pass
        except sqlite3.ProgrammingError:
            return
        busy.set()


def crowd(database: SqliteDatabase) -> None:
    """Have four threads at work, end what they do a few times, and close their connections."""
    connections = [connect(database, TEST, timeout=0.05) for _ in range(4)]
    busy = threading.Event()
    threads = [threading.Thread(target=work, args=(connection, busy)) for connection in connections]
    for thread in threads:
        thread.start()
    busy.wait()
    for _ in range(3):
        database.end_open_work(of=[TEST])
    for connection in connections:
        connection.close()
    for thread in threads:
        thread.join()


def main(folder: str, rounds: int) -> None:
    """Do that some times over."""
    sys.setswitchinterval(1e-6)
    database = SqliteDatabase("app", Path(folder) / "app.db")
    connect(database).executescript("CREATE TABLE t (v)")
    for _ in range(rounds):
        crowd(database)
        database.restore()
    database.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
