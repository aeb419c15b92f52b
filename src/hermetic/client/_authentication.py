"""Who a client is: what a project's ``hermetic_auth`` says of a user, put on a client of its own.

The hook is written once. A plain function gets the user and returns what makes a client that user's: headers, cookies,
an ``httpx2.Auth``, or dependencies with the values that stand in their place. An async function gets the client and the
credentials, may send requests with it (a login form, say), and returns one of these, or None when the cookies that the
requests set are all there is.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import httpx2

from hermetic.errors import ConfigurationError

if TYPE_CHECKING:
    from hermetic.client._client import AsyncTestClient

Identity = (
    Mapping[str, str]
    | Mapping[Callable[..., Any], Any]
    | httpx2.Cookies
    | httpx2.Auth
    | tuple[str, str]
    | None
)
Authenticate = Callable[..., Identity | Awaitable[Identity]]


def hook_of(client: AsyncTestClient) -> Authenticate:
    """Return the project's hook.

    Raises:
        ConfigurationError: There is none.
    """
    if client.authenticate is None:
        raise ConfigurationError(
            "Nobody has said how a client becomes a user's.",
            hints=(
                "in conftest.py: a fixture hermetic_auth that returns a function of the user",
                'for a bearer token: lambda user: {"Authorization": f"Bearer {token_of(user)}"}',
                "for a dependency: lambda user: {get_current_user: user}",
                "without the fixtures: AsyncTestClient(app, authenticate=...)",
            ),
        )
    return client.authenticate


def identify(client: AsyncTestClient, hook: Authenticate, user: Any) -> None:
    """Make a client a user's.

    Raises:
        ConfigurationError: The hook is async: it needs a request.
    """
    if inspect.iscoroutinefunction(hook):
        raise ConfigurationError(
            "hermetic_auth is async, so a client must be logged in.",
            hints=("client = await client.login(...)",),
        )
    _put_on(client, hook(user))


async def log_in(client: AsyncTestClient, hook: Authenticate, *credentials: Any, **named: Any) -> None:
    """Make a client a user's, by an async hook, or by a plain one."""
    __tracebackhide__ = True
    if not inspect.iscoroutinefunction(hook):
        return _put_on(client, hook(*credentials, **named))
    _put_on(client, await hook(client, *credentials, **named))


def _put_on(client: AsyncTestClient, identity: Any) -> None:
    if isinstance(identity, httpx2.Cookies):
        client.cookies.update(identity)
    elif isinstance(identity, Mapping) and all(isinstance(key, str) for key in identity):
        client.headers.update(identity)
    elif isinstance(identity, Mapping):
        client.replace_dependencies(identity)
    elif identity is not None:
        client.auth = identity
