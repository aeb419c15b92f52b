"""The worker database's URL, in the form that its reader takes."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from hermetic.database.backend import backend_of

Form = Callable[[URL], URL]
PLACEHOLDERS = ("{url}", "{sync_url}", "{dsn}")


def async_url(url: URL) -> URL:
    """Return the URL of a worker database with an async driver."""
    return backend_of(url).async_url(url)


def sync_url(url: URL) -> URL:
    """Return the URL of a worker database with the sync driver that hermetic itself uses."""
    return backend_of(url).sync_url(url)


def text(url: URL) -> str:
    """Return the URL of a worker database as text that every reader takes."""
    return backend_of(url).text(url)


def filled(value: str, url: Callable[[], URL], known: str | None = None) -> str:
    """Put a URL in place of its placeholders.

    Args:
        value: ``{url}`` has an async driver, or the one that ``known`` has; ``{sync_url}`` a sync one; ``{dsn}`` none,
            which is how drivers take it.
        url: The database's, asked for only where it is needed.
        known: What the reader got until now.
    """
    forms: tuple[Form, ...] = (_like(known), sync_url, _plain)
    for placeholder, form in zip(PLACEHOLDERS, forms, strict=True):
        if placeholder in value:
            value = value.replace(placeholder, text(form(url())))
    return value


def _plain(url: URL) -> URL:
    return url


def _like(known: str | None) -> Form:
    """Return how to name the driver that a URL names; one without a driver is read by a driver itself."""
    try:
        example = make_url(known or "")
    except (ArgumentError, ValueError):
        return async_url

    def like(url: URL) -> URL:
        same = example.get_backend_name() == url.get_backend_name()
        return url.set(drivername=example.drivername) if same else async_url(url)

    return like


def parsed(text: str | None) -> URL | None:
    """Return the URL of a database that a text is; None where it is something else."""
    try:
        return make_url(text) if text and "://" in text else None
    except (ArgumentError, ValueError):
        return None
