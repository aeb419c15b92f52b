"""What the arguments of a libpq driver mean, and how others take their place.

What an argument does not say libpq reads from the environment and from a service file. Which server it would have
reached decides where the connection goes, so both are read here too.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import URL

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
    "service": "PGSERVICE",
}


def url_of(params: Mapping[str, Any]) -> URL:
    """Return the URL that libpq's parameters mean, as far as a database is told from others by it."""
    said = {key: str(value) for key, value in params.items() if value is not None}
    known = {
        **_from_environment(),
        **_from_service(said.get("service") or os.environ.get("PGSERVICE")),
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


def replaced(params: Mapping[str, Any], ours: URL) -> dict[str, Any]:
    """Return libpq's parameters with another server, database and user; the others keep their meaning."""
    kept = {key: value for key, value in params.items() if key not in ELSEWHERE}
    query = {key: value if isinstance(value, str) else value[-1] for key, value in ours.query.items()}
    where = {
        "host": ours.host,
        "hostaddr": "",  # or PGHOSTADDR would lead elsewhere
        "port": ours.port,
        "user": ours.username,
        "password": ours.password,
        "dbname": ours.database,
        "target_session_attrs": "any",
        **query,
    }
    return {**kept, **{key: str(value) for key, value in where.items() if value is not None}}


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
