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
    """An engine is made to connect in a way that hermetic cannot follow."""

    code = "HM114"


class DatabaseNameTaken(ConfigurationError):
    """Two processes of a run make, or drop, a database of one name on the server that they share.

    A server has one database of a name. Each pytest-xdist worker needs a name of its own, or one runs all these tests.
    """

    code = "HM115"


class ContainmentError(HermeticError):
    """A SQLAlchemy engine asked for a database that hermetic did not make."""

    code = "HM200"


class RestoreError(HermeticError):
    """The worker database could not be brought back to its baseline."""

    code = "HM300"


class LayerConflict(RestoreError):
    """Two fixtures wrote the same rows and ended in an order that leaves no consistent baseline."""

    code = "HM310"


class LeakError(HermeticError):
    """A test left a connection, a transaction or a cursor of its own open."""

    code = "HM400"


class BackgroundError(LeakError):
    """A task that a test or one of its requests started was still running when the test ended."""

    code = "HM410"


class UncommittedWrites(HermeticError):
    """A request waits for a lock that its own test's uncommitted writes hold, or another loop would lose them."""

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
    """The application's lifespan failed in a way that the ASGI specification does not allow."""

    code = "HM600"
