"""The roles on a server: who owns a worker database, and as whom its application connects. Never a superuser.

A superuser passes every policy of row-level security and may do anything, so that tests of what tenants may not do
would pass for nothing.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from typing import Any

from hermetic.database.backends.postgresql.server.instance import Instance
from hermetic.database.backends.postgresql.server.quoting import listed, literal, quoted
from hermetic.errors import ConfigurationError, InsufficientPrivilege

DEFAULT = "app"
SHARED = "hermetic_app"
"""On a server that others use too, where nobody's role is changed."""

Run = Callable[[str], list[Any]]


class Roles:
    """The roles of one server.

    Args:
        instance: The server.
        declared: What ``hermetic_roles`` names; an application may log in as any of these.

    Attributes:
        altered: Those that sessions of this process altered since that was last undone.
        is_alone: Whether this is the only process of the run.
        left: What was altered and is not undone, for people.
    """

    def __init__(self, instance: Instance, declared: Sequence[str]) -> None:
        self.declared = tuple(declared)
        self._instance = instance
        self.altered: set[str] = set()
        self.is_alone = True
        self.left: list[str] = []
        self._made: set[str] = set()
        self._may_create: bool | None = None

    def owner_for(self, wanted: str | None, run: Run) -> str:
        """Return who owns the database of an application that logs in as ``wanted``."""
        if not self._instance.is_shared:
            return DEFAULT if wanted in (None, "", self._instance.administrator) else str(wanted)
        if self._may_create is None:
            rows = run("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
            self._may_create = bool(rows[0][0])
        return SHARED if self._may_create else self._instance.administrator

    def password(self, role: str) -> str | None:
        """Return a role's password: derived from the administrator's, so that runs at once agree on it."""
        if not self._instance.is_shared or role == self._instance.administrator:
            return self._instance.password
        key = (self._instance.password or "hermetic").encode()
        return hmac.new(key, role.encode(), "sha256").hexdigest()

    def ensure(self, owner: str, run: Run) -> None:
        """Make the roles that there are not yet."""
        for role in (owner, *self.declared):
            if role not in self._made and role != self._instance.administrator:
                self._make(role, run)
                if role != owner:
                    run(f"GRANT {quoted(role)} TO {quoted(owner)}")
                self._made.add(role)

    def _make(self, role: str, run: Run) -> None:
        from psycopg.errors import DuplicateObject, ReservedName, UniqueViolation

        rights = (
            f"LOGIN PASSWORD {literal(str(self.password(role)))}"
            if self._instance.is_shared
            else "LOGIN CREATEDB CREATEROLE"
        )
        try:
            run(f"CREATE ROLE {quoted(role)} {rights}")
        except (DuplicateObject, UniqueViolation):
            pass  # of an earlier run, or of another worker just now
        except ReservedName as error:
            raise self._reserved(role, error) from None
        if self._instance.is_shared:
            run(f"GRANT {quoted(role)} TO CURRENT_USER")

    def undoes(self, role: str) -> bool:
        """Whether a change of a role is this process's to undo: all processes of a run share the server's roles.

        Args:
            role: Its name, quoted where it needs it; ``ALL`` for what was set for all of them.
        """
        altered_here = listed(role)[0] in self.altered or (role == "ALL" and "all" in self.altered)
        if not self._instance.is_shared:
            return altered_here or self.is_alone
        note = f"the tests altered the role {role}, which others use too: hermetic does not undo that"
        if altered_here and note not in self.left:
            self.left.append(note)
        return False

    def _reserved(self, role: str, error: Exception) -> ConfigurationError:
        whose = (
            "hermetic_roles names" if role in self.declared else "the application's database URL logs in as"
        )
        return InsufficientPrivilege(
            f"{whose} {role!r}, which no role of PostgreSQL can be called: {str(error).splitlines()[0]}",
            why="hermetic makes it on the server of the tests: the application has a role with rights, no superuser's.",
            hints=("name another user there; in a URL that hermetic_env sets, {url} names one that exists",),
        )
