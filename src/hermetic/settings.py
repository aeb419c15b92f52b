"""The configuration, parsed once into a frozen object that remembers where each value came from.

Values come from three places, the first that has one wins: the command line, the environment (``HERMETIC``), the ini
file. Nothing here knows pytest: whoever reads the ini file passes plain strings, and a mistake is a
``ConfigurationError`` that lists the valid values.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Literal, NamedTuple, cast, get_args

from hermetic.errors import InvalidSetting

if TYPE_CHECKING:
    from hermetic.masking import Masking

Mode = Literal["off", "observe", "on"]
Isolation = Literal["test", "class", "module", "none"]
Level = Literal["error", "warn", "off"]
Background = Literal["wait", "cancel"]
Failures = Literal["full", "short", "off"]
Parameters = Literal["columns", "all", "types"]
LifespanScope = Literal["function", "module", "session"]
Backend = Literal["sqlite", "postgresql"]


class GuardSetting(NamedTuple):
    """What is set for a guard: ``hermetic_NAME`` in the ini file, ``--hermetic-NAME``, and ``NAME=`` in the mark.

    Attributes:
        default: ``off`` where a healthy suite can do what it finds.
        what: What it finds, after "what it is when".
    """

    default: Level
    what: str


GUARDS: dict[str, GuardSetting] = {
    "leaks": GuardSetting("error", "a test leaves a connection open"),
    "uncommitted": GuardSetting(
        "error", "a request does not commit what it wrote in a session of the test's"
    ),
    "overrides": GuardSetting("error", "a test sets an override that none of its requests can use"),
    "memory": GuardSetting("off", "a request commits to a database in memory that is not put back"),
    "unawaited": GuardSetting("warn", "nobody awaits a coroutine"),
    "unrun": GuardSetting("error", "nothing runs an async method of a unittest.TestCase"),
    "tasks": GuardSetting("off", "a task that a test left running has to be cancelled"),
    "lost_exceptions": GuardSetting("warn", "a task of a test fails, and nobody sees its exception"),
    "stuck": GuardSetting("error", "a test waits for itself"),
    "threads": GuardSetting("off", "a test leaves a thread running"),
    "blocking": GuardSetting("off", "an event loop stands still for hermetic_blocking_seconds"),
}
"""The guards: what a test is told of at its teardown, though it passed, with an error, a warning or not at all."""

SERVERS = (
    "auto",
    "embedded",
    "/path/to/the/directory/of/postgres",
    "postgresql://user:password@host/database",
)

INI: dict[str, tuple[Literal["string", "linelist"], str]] = {
    "hermetic": (
        "string",
        "off, observe (report what on would do) or on (the default once hermetic_app is set)",
    ),
    "hermetic_app": ("string", "the application, as module:attribute, or a factory that returns it"),
    "hermetic_schema": (
        "linelist",
        "what makes the tables: module:MetaData, alembic.ini, a .sql file, a callable, or 'lifespan';"
        " with '-> URL' in one of several databases",
    ),
    "hermetic_seed": ("linelist", "callables, sync or async, that write the rows every test starts from"),
    "hermetic_env": (
        "linelist",
        "NAME=value, set before the application is imported; {url} is the database's URL",
    ),
    "hermetic_isolation": ("string", "how often the baseline comes back: test, class, module or none"),
    **{
        f"hermetic_{name}": ("string", f"what it is when {guard.what}: error, warn or off")
        for name, guard in GUARDS.items()
    },
    "hermetic_blocking_seconds": ("string", "for how long an event loop may stand still"),
    "hermetic_background": (
        "string",
        "what becomes of tasks that a test left running: wait (for a second, then cancel) or cancel",
    ),
    "hermetic_failures": (
        "string",
        "what is shown below a failed test: full (what it did, and why it failed), short, or off",
    ),
    "hermetic_parameters": (
        "string",
        "of which parameters of statements a failed test shows the values: columns, all or types",
    ),
    "hermetic_secrets": ("linelist", "further words that make a name secret: what has it is never shown"),
    "hermetic_allow": ("linelist", "database URLs that engines may really open"),
    "hermetic_targets": (
        "linelist",
        "'alias URL -> URL': databases that are another one, such as a read replica",
    ),
    "hermetic_database": (
        "string",
        "sqlite or postgresql: what {url} in hermetic_env is (default: what the application's engine says)",
    ),
    "hermetic_postgresql": (
        "string",
        "auto, embedded, /path/to/bin, or the URL of a server on which databases may be created",
    ),
    "hermetic_postgresql_version": ("string", "the major version that production runs; another one is told"),
    "hermetic_extensions": ("linelist", "PostgreSQL extensions, made before the schema is"),
    "hermetic_roles": ("linelist", "PostgreSQL roles that the schema or the application names"),
    "hermetic_template_database": (
        "string",
        "a database of the PostgreSQL server that each new one starts as a copy of",
    ),
    "hermetic_fingerprint": (
        "linelist",
        "globs of further files that schema and seed rows depend on: a change builds the template anew",
    ),
    "hermetic_directory": (
        "string",
        "where worker databases lie (default: memory-backed, if there is)",
    ),
    "hermetic_lifespan_scope": (
        "string",
        "how long async_client keeps the application up: function, module, session",
    ),
}


@dataclass(frozen=True)
class Settings:
    """What the project asked for.

    Attributes:
        database: What ``{url}`` is; None where only the application's engine tells.
        guards: The level of each of ``GUARDS``.
        blocking_seconds: For how long an event loop may stand still.
        rebuild: Whether the schema is built whatever template there is.
        keep_failed: Whether a failed test's database is kept.
        sources: For each key that was set, where: ``"pytest.ini"``, ``"--hermetic"``, ``"HERMETIC"``.
    """

    mode: Mode = "off"
    app: str | None = None
    schema: tuple[str, ...] = ()
    seed: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    isolation: Isolation = "test"
    guards: Mapping[str, Level] = field(
        default_factory=lambda: {name: guard.default for name, guard in GUARDS.items()}
    )
    blocking_seconds: float = 0.5
    background: Background = "wait"
    failures: Failures = "full"
    parameters: Parameters = "columns"
    secrets: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    targets: tuple[tuple[str, str], ...] = ()
    directory: str | None = None
    lifespan_scope: LifespanScope = "function"
    database: Backend | None = None
    postgresql: str | None = None
    postgresql_version: str | None = None
    extensions: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    template_database: str | None = None
    fingerprint: tuple[str, ...] = ()
    rebuild: bool = False
    keep_failed: bool = False
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def named_backend(self) -> str | None:
        """What the database is, where settings say it: a setting of one backend's server says it too."""
        return self.database or ("postgresql" if self.postgresql else None)

    @property
    def masking(self) -> Masking:
        """What is shown of values below a failed test."""
        from hermetic.masking import Masking  # not above: an inert plugin does without

        return Masking(self.secrets, self.parameters)


def one_of(key: str, value: str, valid: Sequence[str], source: str) -> str:
    """Return ``value`` if it is valid for ``key``.

    Raises:
        ConfigurationError: It is not; the message lists the valid values and where it was set.
    """
    if value in valid:
        return value
    raise InvalidSetting(
        f"{key} = {value!r} ({source}) is not a value that hermetic knows.",
        hints=(f"use one of: {', '.join(valid)}",),
    )


def refuse_unknown_keys(keys: Iterable[str], source: str) -> None:
    """Refuse a key that has hermetic's prefix and is none of its keys, which pytest itself would only warn of.

    Args:
        keys: Those of the configuration file.
        source: What to call it.

    Raises:
        InvalidSetting: There is one; the message names the key that is spelt most like it.
    """
    for key in keys:
        meant = key.lower().replace("-", "_")
        if key not in INI and (meant == "hermetic" or meant.startswith("hermetic_")):
            from difflib import get_close_matches  # not above: a run without mistakes does without

            near = [meant] if meant in INI else get_close_matches(meant, INI, 1, 0.8)
            hint = f"did you mean {near[0]}?" if near else f"its keys are: {', '.join(INI)}"
            raise InvalidSetting(f"{key} ({source}) is no key of hermetic's.", hints=(hint,))


def parse(
    ini: Mapping[str, str | Sequence[str]],
    *,
    ini_source: str = "the ini file",
    flags: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    switches: Collection[str] = (),
) -> Settings:
    """Parse raw configuration into ``Settings``.

    Args:
        ini: The ini file's values by key: strings, or lists of lines. Missing and empty values count as unset.
        ini_source: What to call the ini file in messages.
        flags: Command-line values by ini key; they win over the environment and the ini file.
        environ: The environment; ``HERMETIC`` sets the mode.
        switches: Names of the command-line switches that were given: ``rebuild``, ``keep_failed``.

    Raises:
        ConfigurationError: A value is not valid; the message lists what is.
    """
    raw: dict[str, str | Sequence[str]] = {key: ini[key] for key in INI if ini.get(key)}
    sources = dict.fromkeys(raw, ini_source)
    if environ and environ.get("HERMETIC"):
        raw["hermetic"], sources["hermetic"] = environ["HERMETIC"], "HERMETIC in the environment"
    for key, value in (flags or {}).items():
        raw[key], sources[key] = value, f"--{key.replace('_', '-')}"

    def text(key: str) -> str | None:
        return cast(str, raw[key]).strip() if key in raw else None

    def lines(key: str) -> tuple[str, ...]:
        value = raw.get(key, ())
        found = value.splitlines() if isinstance(value, str) else value
        return tuple(line.strip() for line in found if line.strip())

    def choice(key: str, valid: Sequence[str], default: str) -> str:
        value = text(key)
        return default if value is None else one_of(key, value, valid, sources[key])

    return Settings(
        mode=cast(Mode, choice("hermetic", get_args(Mode), "on" if text("hermetic_app") else "off")),
        app=_app_path(text("hermetic_app"), sources.get("hermetic_app", "")),
        schema=lines("hermetic_schema"),
        seed=lines("hermetic_seed"),
        env=tuple(_pair("hermetic_env", line, "=", "NAME=value", sources) for line in lines("hermetic_env")),
        isolation=cast(Isolation, choice("hermetic_isolation", get_args(Isolation), "test")),
        guards={
            name: cast(Level, choice(f"hermetic_{name}", get_args(Level), guard.default))
            for name, guard in GUARDS.items()
        },
        blocking_seconds=_seconds(text("hermetic_blocking_seconds"), sources),
        background=cast(Background, choice("hermetic_background", get_args(Background), "wait")),
        failures=cast(Failures, choice("hermetic_failures", get_args(Failures), "full")),
        parameters=cast(Parameters, choice("hermetic_parameters", get_args(Parameters), "columns")),
        secrets=lines("hermetic_secrets"),
        allow=lines("hermetic_allow"),
        targets=tuple(
            _pair("hermetic_targets", line, "->", "alias URL -> URL", sources)
            for line in lines("hermetic_targets")
        ),
        directory=text("hermetic_directory"),
        lifespan_scope=cast(
            LifespanScope, choice("hermetic_lifespan_scope", get_args(LifespanScope), "function")
        ),
        database=cast(Backend | None, choice("hermetic_database", get_args(Backend), "") or None),
        postgresql=_server(text("hermetic_postgresql"), sources),
        postgresql_version=_version(text("hermetic_postgresql_version"), sources),
        extensions=lines("hermetic_extensions"),
        roles=lines("hermetic_roles"),
        template_database=text("hermetic_template_database"),
        fingerprint=lines("hermetic_fingerprint"),
        rebuild="rebuild" in switches,
        keep_failed="keep_failed" in switches,
        sources=sources,
    )


def _app_path(value: str | None, source: str) -> str | None:
    if value is None or ":" in value.strip(":"):
        return value
    raise InvalidSetting(
        f"hermetic_app = {value!r} ({source}) names a module, not an application in it.",
        hints=(f"hermetic_app = {value.strip(':')}:app",),
    )


def _server(value: str | None, sources: Mapping[str, str]) -> str | None:
    """Check a word; what a path or a URL names is looked at when a server is needed."""
    if value is None or any(mark in value for mark in ":/\\.~"):
        return value
    return one_of("hermetic_postgresql", value, SERVERS, sources["hermetic_postgresql"])


def _version(value: str | None, sources: Mapping[str, str]) -> str | None:
    if value is None or value.isdigit():
        return value
    key = "hermetic_postgresql_version"
    raise InvalidSetting(
        f"{key} = {value!r} ({sources[key]}) is not a major version of PostgreSQL.",
        hints=(f"{key} = 16",),
    )


def _seconds(value: str | None, sources: Mapping[str, str]) -> float:
    if value is None:
        return Settings.blocking_seconds
    with suppress(ValueError):
        if (seconds := float(value)) > 0 and isfinite(seconds):
            return seconds
    key = "hermetic_blocking_seconds"
    raise InvalidSetting(
        f"{key} = {value!r} ({sources[key]}) is not a number of seconds.", hints=(f"{key} = 0.5",)
    )


def _pair(key: str, line: str, separator: str, form: str, sources: Mapping[str, str]) -> tuple[str, str]:
    left, found, right = line.partition(separator)
    if not found or not left.strip():
        raise InvalidSetting(
            f"{key} has the line {line!r} ({sources[key]}), which is not of the form {form!r}.",
            hints=(f"write each line of {key} as {form}",),
        )
    return left.strip(), right.strip()
