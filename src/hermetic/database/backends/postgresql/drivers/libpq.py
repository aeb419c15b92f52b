"""What the arguments of a libpq driver mean, and how others take their place.

What an argument does not say libpq reads from the environment and from a service file. Which server it would have
reached decides where the connection goes, so both are read here too.
"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL

from hermetic.database.address import last, on_a_server
from hermetic.database.backend import Address
from hermetic.database.backends.postgresql.drivers import variables

ELSEWHERE = frozenset(
    [
        *("dsn", "service", "host", "hostaddr", "port", "user", "password", "passfile", "dbname", "database"),
        *("requiressl", "ssl", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslcrl"),
        *("sslnegotiation", "direct_tls", "channel_binding", "gssencmode", "krbsrvname", "gsslib"),
        *("require_auth", "target_session_attrs", "load_balance_hosts", "ssl_context", "tcp_user_timeout"),
    ]
)
"""Arguments that say which server, database and user: ours take their place. The others keep their meaning."""

_VARIABLES = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "user": "PGUSER",
    "dbname": "PGDATABASE",
}


def url_of(params: Mapping[str, Any]) -> URL:
    """Return the URL that libpq's parameters mean, as far as a database is told from others by it."""
    said = {key: str(value) for key, value in params.items() if value is not None}
    known = {
        **_from_environment(),
        **_from_service(said.get("service") or variables.service()),
        **said,
    }
    host = known.get("host") or known.get("hostaddr") or ""
    port = known.get("port", "").rpartition(",")[2]
    return URL.create(
        "postgresql",
        username=known.get("user"),
        host=host.rpartition(",")[2] or None,
        port=int(port) if port.isdigit() else None,
        database=known.get("dbname") or known.get("user"),
    )


def address_of(url: URL, usual_port: int) -> Address:
    """Return the database that a URL of SQLAlchemy's means: what it leaves out libpq reads elsewhere, if anywhere."""
    said = {
        "host": url.host or last(url.query.get("host")),
        "port": url.port or last(url.query.get("port")),
        "dbname": url.database,
        "user": url.username,
        "service": last(url.query.get("service")),
    }
    is_whole = said["host"] and said["port"] and said["dbname"]
    meant = url if is_whole else url_of({key: value for key, value in said.items() if value})
    return on_a_server("postgresql", meant, usual_port)


def replaced(params: Mapping[str, Any], ours: URL, knows: Callable[[str], bool]) -> dict[str, Any]:
    """Return libpq's parameters with another server, database and user; the others keep their meaning.

    Args:
        params: The parameters.
        ours: The server, database and user.
        knows: Whether the driver's libpq has a parameter.
    """
    kept = {key: value for key, value in params.items() if key not in ELSEWHERE}
    neutral = variables.named(knows, keep=variables.BEHAVIOUR | variables.CREDENTIALS)
    return {**kept, **neutral, "hostaddr": "", "target_session_attrs": "any", **parameters(ours)}


def parameters(url: URL) -> dict[str, str]:
    """Return libpq's parameters of a URL; SQLAlchemy names several hosts by several values of one name."""
    query = {key: value if isinstance(value, str) else ",".join(value) for key, value in url.query.items()}
    where = {
        "host": url.host,
        "port": url.port,
        "user": url.username,
        "password": url.password,
        "dbname": url.database,
    }
    return {**{key: str(value) for key, value in where.items() if value is not None}, **query}


def dsn(url: URL) -> str:
    """Return a URL as text that every reader takes: libpq wants each space encoded, and knows no ``+`` for it."""
    text = url.render_as_string(hide_password=False)
    if url.get_backend_name() != "postgresql":
        return text
    before, mark, query = text.partition("?")
    return before.replace(" ", "%20") + mark + query.replace("+", "%20")


def without_password(text: str, url: URL) -> str:
    """Return a text from a driver without the URL's password, which is no secret where it is a public name too."""
    secret = parameters(url).get("password")
    if not secret or secret in (url.username, url.database, url.host):
        return text
    spellings = {secret, quote(secret), quote(secret, safe=" +")}
    pattern = "|".join(re.escape(each) for each in sorted(spellings, key=len, reverse=True))
    return re.sub(rf"(?<!\w)(?:{pattern})(?!\w)", "***", text)


def sslmode(ours: URL) -> str:
    """Return how a server of ours is to be spoken to, in libpq's words: over a socket, never encrypted."""
    said = ours.query.get("sslmode", "prefer" if ours.host else "disable")
    return said if isinstance(said, str) else said[-1]


def _from_environment() -> dict[str, str]:
    return {key: os.environ[name] for key, name in _VARIABLES.items() if os.environ.get(name)}


def _from_service(name: str | None) -> dict[str, str]:
    """Return what a service file says of a service."""
    if not name:
        return {}
    for file in _service_files():
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeError, configparser.Error):
            continue
        if parser.has_section(name):
            return dict(parser.items(name))
    return {}


def _service_files() -> list[Path]:
    user = os.environ.get("PGSERVICEFILE")
    system = os.environ.get("PGSYSCONFDIR")
    return [
        Path(user) if user else Path.home() / ".pg_service.conf",
        *([Path(system) / "pg_service.conf"] if system else []),
    ]
