"""The process that starts a PostgreSQL server, watches over it, and cleans up after the run.

It is started as a program of its own, with nothing but the standard library (``python -I -S``, 12 ms), so nothing here
may import the rest of hermetic; and what only some starts need is imported there. Why a process and not a thread: only
something that outlives ``kill -9`` of pytest can clean up after it, and only a parent that never ends its forking
thread can be the one whose death ends the server (``PR_SET_PDEATHSIG`` fires when that *thread* ends).

What ends what, each way tried by a test:

| dies | then |
| --- | --- |
| every process of the run | the kernel drops their locks on ``home/alive``; the launcher ends the server and its home |
| one of several processes of the run | nothing |
| the server | the launcher reaps it; the home, with the log, stays until the run ends |
| the launcher | the kernel ends the server (Linux); elsewhere it ends itself when it finds its data directory gone |

The files of a home: ``alive`` (each process of the run holds a shared lock), ``launcher`` (the launcher holds it),
``report`` (what came of the start, JSON), ``keep`` (where the stopped cluster goes), ``log``, ``data/``, ``socket/``.
"""
