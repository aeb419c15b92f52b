"""Every error that hermetic raises, in one hierarchy.

An error says what happened, why, and what to do. Each class has a stable code; ``hermetic explain CODE`` prints
the class's docstring, and ``docs/errors.md`` is made from the same text.

    HermeticError
    ├── ConfigurationError      HM1xx   what hermetic was given, or needs, is not as it must be
    │   ├── InvalidSetting          a value that hermetic does not know
    │   ├── ImportFailed            what a setting names does not import
    │   ├── ApplicationError        hermetic_app is no application, or cannot be made
    │   ├── SchemaError             what makes tables or rows failed
    │   ├── DatabaseNotFilled       nothing has made the tables
    │   ├── MissingDependency       a package is not installed
    │   ├── ServerUnavailable       no database server
    │   ├── InsufficientPrivilege   a role of the server's
    │   ├── StorageError            no room, or nothing can be written
    │   ├── UnsupportedVersion      of a library
    │   ├── EventLoopError          another loop, or none
    │   ├── ClientUsageError        overrides and logins
    │   ├── CommandError            the command's own input
    │   └── UnsupportedEngine       how an engine connects
    ├── ContainmentError        HM2xx   an engine whose database hermetic did not make
    ├── RestoreError            HM3xx   the baseline could not be brought back, or a checkpoint taken apart
    │   └── LayerConflict
    ├── LeakError               HM4xx   a test left something of its own behind
    │   └── BackgroundError
    ├── UncommittedWrites       HM5xx   a request waits for a lock that its own test holds
    ├── Deadlock                HM770   a statement waits for a lock of somebody who waits for it
    └── LifespanError           HM6xx   the application's lifespan broke its protocol
"""

from __future__ import annotations


class HermeticError(Exception):
    """Base class of all errors of hermetic.

    Args:
        what: One sentence: what happened, with the concrete values.
        why: The cause, in a sentence or two. May be empty.
        hints: What to do, each a line that can be pasted or followed.
    """

    code = "HM000"

    def __init__(self, what: str, *, why: str = "", hints: tuple[str, ...] = ()) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.hints = hints

    def __str__(self) -> str:
        lines = [f"{self.what} [{self.code}]"]
        if self.why:
            lines.append(self.why)
        if self.hints:
            lines.append("")
            lines.extend(f"hint: {hint}" for hint in self.hints)
        lines.append(f"more: hermetic explain {self.code}")
        return "\n".join(lines)


class ConfigurationError(HermeticError):
    """Something that hermetic was given, or needs, is not as it must be: never raised itself, its kinds are."""

    code = "HM100"


class InvalidSetting(ConfigurationError):
    """A setting, a flag or a mark has a value that hermetic does not know.

    The message names the key, the value, where it stands, and the values or the form that are valid.
    """

    code = "HM101"


class ImportFailed(ConfigurationError):
    """What a setting names cannot be imported.

    The module is not on the import path, it raised when it was imported, or it has nothing of that name. The
    message has the error itself, and the frames of the project's own code.
    """

    code = "HM102"


class ApplicationError(ConfigurationError):
    """``hermetic_app`` names nothing that is an ASGI application, or a factory that cannot make one.

    A factory may need arguments that only the suite's fixtures have: let a fixture ``hermetic_app`` of your own give
    the application. Tests that build it themselves need none.
    """

    code = "HM103"


class SchemaError(ConfigurationError):
    """What makes the tables or the first rows is not there, or failed.

    That is ``hermetic_schema``, ``hermetic_seed``, ``hermetic_extensions`` or ``hermetic_template_database``. The
    message has what was raised, and the frames of the project's own code.
    """

    code = "HM104"


class DatabaseNotFilled(ConfigurationError):
    """The application's database has no tables yet when something needs them.

    Nothing that hermetic was told of makes them, or whoever makes them waits for somebody who wants them made.
    """

    code = "HM105"


class MissingDependency(ConfigurationError):
    """A package is needed that is not installed, or that is too old for what is asked of it.

    The hint is the command that installs it.
    """

    code = "HM106"


class ServerUnavailable(ConfigurationError):
    """There is no database server for the tests: none was found, it does not start, or it does not answer.

    The message says where it was looked for, and what the server or its driver said.
    """

    code = "HM107"


class InsufficientPrivilege(ConfigurationError):
    """A role of the database server may not do what hermetic needs, or cannot be made.

    hermetic makes a database for each worker, and gives the application a role that is no superuser.
    """

    code = "HM108"


class StorageError(ConfigurationError):
    """Where test databases are made, there is no room or nothing can be written.

    ``hermetic_directory`` names another place. In memory (``/dev/shm``) a container has 64 MB unless it is given more.
    """

    code = "HM109"


class UnsupportedVersion(ConfigurationError):
    """A library has not the parts that hermetic builds on: its version is newer or older than those that are known.

    hermetic does not go on by guessing where connections would go. The message names the version.
    """

    code = "HM110"


class EventLoopError(ConfigurationError):
    """Something that is bound to an event loop is used in another one, or where none runs.

    The message names where it was opened, and the setting that gives fixtures and tests one loop.
    """

    code = "HM111"


class ClientUsageError(ConfigurationError):
    """A client was asked for an override or a login that it cannot make.

    The application has no overrides, the replacement cannot be called, or nobody has said how a user is logged in.
    """

    code = "HM112"


class CommandError(ConfigurationError):
    """The command ``hermetic`` cannot read, or may not change, what it was given.

    A directory, a file of configuration, an application or a code that is not there or not as it must be. Nothing was
    written.
    """

    code = "HM113"


class UnsupportedEngine(ConfigurationError):
    """An engine is made to connect in a way that hermetic cannot follow.

    hermetic makes an engine's connections with a subclass of its own connection class, to know what each has open:
    ``factory`` in ``connect_args`` has to be a class.
    """

    code = "HM114"


class DatabaseNameTaken(ConfigurationError):
    """Two processes of a run make, or drop, a database of one name on the server that they share.

    A server has one database of a name. Each pytest-xdist worker needs a name of its own, or one runs all these tests.
    """

    code = "HM115"


class ContainmentError(HermeticError):
    """A SQLAlchemy engine asked for a database that hermetic did not make.

    Nothing was opened: a test run reaches the databases that were made for it, and no other. The message names the
    engine's URL, where it was made, who asked, and the line that allows it: ``hermetic_allow`` opens that database
    itself; ``hermetic_targets`` says that it stands for one of the application's.
    """

    code = "HM200"


class RestoreError(HermeticError):
    """The worker database could not be brought back to its baseline.

    Something that outlives the test has a transaction or a cursor open, and hermetic waited two seconds for it: a
    session of a wider fixture with uncommitted writes, a subprocess, a lock on the whole file. The message names it and
    where it was checked out. Commit, roll back or close it before the test that writes ends.
    """

    code = "HM300"


class LayerConflict(RestoreError):
    """Two fixtures wrote the same rows and ended in an order that leaves no consistent baseline.

    What a fixture wider than a test wrote is part of the baseline until the fixture ends. Where another one that still
    lives has changed the same rows since, it cannot be taken out. Give both the same scope, let one use the other, or
    take the fixture as an argument of the test instead of by ``getfixturevalue`` after the test has written.
    """

    code = "HM310"


class LeakError(HermeticError):
    """A test left a connection, a transaction or a cursor of its own open.

    It fails at its teardown, with the line that checked the connection out; what it left is closed, so that the next
    test starts clean. Close the session or the connection there: ``async with``, or a fixture that closes it after its
    ``yield``. What an application keeps open on purpose is none: its pool, what its lifespan opened. While a suite is
    being mended, ``hermetic_leaks = warn`` tells of it and fails nothing; a mark does so for one test.
    """

    code = "HM400"


class BackgroundError(LeakError):
    """A task that a test or one of its requests started was still running when the test ended.

    The task was cancelled, so that it writes into no other test. ``await async_client.drain()`` waits in the test for
    what its requests started. With ``hermetic_tasks = warn``, or ``off``, it fails no test.
    """

    code = "HM410"


class UncommittedWrites(HermeticError):
    """A request waits for a lock that its own test's uncommitted writes hold, or another loop would lose them.

    The application has connections of its own, so that a ``flush`` of the test's session is not enough for a request
    to see a row, and the request waits for the test, which waits for the request. Commit before the request; the row is
    gone after the test all the same.
    """

    code = "HM500"


class Deadlock(HermeticError):
    """A statement waits for a lock whose holder cannot go on before it.

    A fixture drops or empties tables while a wider fixture's session is idle in a transaction that has read them; a
    test writes by two sessions, or waits for a thread that writes what it has not committed. No database sees that: the
    holder waits in Python, not for a lock. hermetic ends the statement that waits, after a second and a half, and names
    both. End the holder's transaction before: commit, roll back, or close its session.
    """

    code = "HM770"


class LifespanError(HermeticError):
    """The application's lifespan failed in a way that the ASGI specification does not allow.

    An exception that leaves the lifespan is raised as it is. This error is for an application, or a middleware, that
    catches it and sends ``lifespan.startup.failed``, whose message it has, and for a lifespan that is stopped in
    another event loop than it was started in.
    """

    code = "HM600"
