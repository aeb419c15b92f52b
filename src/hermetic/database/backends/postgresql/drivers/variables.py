"""libpq's variables of the environment, which libpq, psycopg2, psycopg and asyncpg read for what nobody names.

They were meant for another server: ``PGHOSTADDR`` leads elsewhere, ``PGSSLMODE``, ``PGTARGETSESSIONATTRS`` and others
refuse the one of the tests. So connections to it name each of these themselves, as if no variable were set; only what
says how the application works (``PGOPTIONS``) stays for the application's. A few cannot be named: ``PGTZ``, say, which
an error tells, and ``PGSERVICE``, whose service must exist. That one is put aside for as long as a run lasts, under a
name of ours that its worker processes inherit.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

from hermetic.database.driver_seams import Route
from hermetic.errors import HermeticError, ServerUnavailable

SERVICE = "PGSERVICE"
PUT_ASIDE = "HERMETIC_PGSERVICE"

_NEUTRAL = {
    "hostaddr": ("PGHOSTADDR", ""),
    "passfile": ("PGPASSFILE", ""),
    "connect_timeout": ("PGCONNECT_TIMEOUT", "0"),
    "client_encoding": ("PGCLIENTENCODING", "UTF8"),
    "options": ("PGOPTIONS", ""),
    "target_session_attrs": ("PGTARGETSESSIONATTRS", "any"),
    "load_balance_hosts": ("PGLOADBALANCEHOSTS", "disable"),
    "requirepeer": ("PGREQUIREPEER", ""),
    "require_auth": ("PGREQUIREAUTH", ""),
    "channel_binding": ("PGCHANNELBINDING", "prefer"),
    "min_protocol_version": ("PGMINPROTOCOLVERSION", "3.0"),
    "max_protocol_version": ("PGMAXPROTOCOLVERSION", "3.0"),
    "sslmode": ("PGSSLMODE", "prefer"),
    "sslnegotiation": ("PGSSLNEGOTIATION", "postgres"),
    "sslcert": ("PGSSLCERT", ""),
    "sslkey": ("PGSSLKEY", ""),
    "sslcertmode": ("PGSSLCERTMODE", "allow"),
    "sslrootcert": ("PGSSLROOTCERT", ""),
    "sslcrl": ("PGSSLCRL", ""),
    "sslcrldir": ("PGSSLCRLDIR", ""),
    "sslsni": ("PGSSLSNI", "1"),
    "ssl_min_protocol_version": ("PGSSLMINPROTOCOLVERSION", "TLSv1.2"),
    "ssl_max_protocol_version": ("PGSSLMAXPROTOCOLVERSION", ""),
    "gssencmode": ("PGGSSENCMODE", "disable"),
    "gssdelegation": ("PGGSSDELEGATION", "0"),
    "gsslib": ("PGGSSLIB", ""),
    "krbsrvname": ("PGKRBSRVNAME", "postgres"),
}
"""For each parameter the variable that sets it, and what it is where nothing does."""

BEHAVIOUR = frozenset({"options", "client_encoding", "connect_timeout"})
"""What says how an application works, on whatever server."""

CREDENTIALS = frozenset({"passfile", "sslcert", "sslkey", "krbsrvname", "gsslib"})
"""What proves to a server of somebody's own who one is."""

_TOLD = (
    *("PGOPTIONS", "PGTZ", "PGDATESTYLE", "PGGEQO", "PGCLIENTENCODING", "PGCONNECT_TIMEOUT", "PGPASSFILE"),
    *("PGSSLCERT", "PGSSLKEY", "PGSSLROOTCERT", "PGSSLCRL", "PGKRBSRVNAME", "PGGSSLIB", SERVICE),
    *("PGSSLMINPROTOCOLVERSION", "PGSSLMAXPROTOCOLVERSION"),
)


def put_service_aside(environ: MutableMapping[str, str]) -> None:
    """Keep ``PGSERVICE`` from every driver; it goes on to say what the application's URL means."""
    if SERVICE in environ:
        environ[PUT_ASIDE] = environ.pop(SERVICE)


def service() -> str | None:
    """Return the service that the environment names, put aside or not."""
    return os.environ.get(SERVICE) or os.environ.get(PUT_ASIDE)


def without(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without libpq's variables, for programs of hermetic's own."""
    return {name: value for name, value in environ.items() if not name.startswith("PG")}


def named(knows: Callable[[str], bool], *, keep: Collection[str]) -> dict[str, str]:
    """Return the parameters that the environment would set, each as it is where nothing sets it.

    Args:
        knows: Whether the driver's libpq has a parameter: an older one has fewer, and reads fewer variables.
        keep: Parameters that somebody names already, or that the environment may set.
    """
    everything = SERVICE in os.environ  # somebody set it since: any of them may be in its service
    return {
        keyword: neutral
        for keyword, (variable, neutral) in _NEUTRAL.items()
        if (everything or variable in os.environ) and keyword not in keep and knows(keyword)
    }


@contextmanager
def blamed(whose: str) -> Iterator[None]:
    """Say which variable is at fault, where what a driver or a server says of a failed connection tells.

    Args:
        whose: Of whom the connection is, for people.

    Raises:
        ConfigurationError: In place of the driver's error.
    """
    try:
        yield
    except HermeticError:
        raise
    except Exception as error:
        names = at_fault(str(error))
        if not names:
            raise
        raise ServerUnavailable(
            f"{whose} cannot connect to the server of the tests: {str(error).strip()}",
            why=are_set(names),
            hints=tuple(f"unset {name}" for name in names),
        ) from error


def at_fault(said: str) -> list[str]:
    """Return the variables of whose values a word is in what was said of a connection."""
    words = _words(said)
    return [name for name in _TOLD if words & _words(os.environ.get(name, ""))]


def are_set(names: Sequence[str]) -> str:
    """Say what variables are set to; none of them is a secret."""
    values = ", ".join(f"{name}={os.environ[name]}" for name in names)
    return f"the environment sets {values}; drivers of PostgreSQL read it too." if names else ""


def _words(text: str) -> set[str]:
    return set(re.findall(r"[\w.]{2,}", text.lower()))


def blaming(route: Route | None) -> AbstractContextManager[None]:
    """Say which variable is at fault, where a connection that a route brings to a database of ours fails."""
    is_ours = route is not None and route.to is not None
    return blamed("the application") if is_ours else nullcontext()
