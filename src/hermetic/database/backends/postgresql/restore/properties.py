"""What belongs to a database or to a role, and not to what is in the database.

Its owner, rights, comment, limit and settings lie in catalogs that all databases of a server share: no event trigger
fires for them, and ``CREATE DATABASE ... TEMPLATE`` copies none. So they are read, and put back by the statements that
set them. Whether there is anything to read is told with each restore, by ``sql/properties.sql``.

Roles are shared by all databases of a server, and so by all processes of a run. Which process changed one is told by
the statements that its sessions ran; see ``Host.undoes``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from hermetic.database.backends.postgresql.restore.administration import Administration
from hermetic.database.backends.postgresql.restore.protocols import Host
from hermetic.database.backends.postgresql.restore.quoting import literal, quoted, setting_value

Key: TypeAlias = tuple[str, str]
"""What it is, and of whom or which: ``("settings", "")``, ``("role", "app")``. Roles are quoted where they need it."""
State: TypeAlias = dict[Key, Any]

OF_DATABASE = """
WITH d AS (SELECT * FROM pg_catalog.pg_database WHERE datname = %(name)s)
SELECT 'owner', '', to_jsonb(datdba::regrole::text) FROM d
UNION ALL SELECT 'option', 'CONNECTION LIMIT', to_jsonb(datconnlimit) FROM d
UNION ALL SELECT 'option', 'IS_TEMPLATE', to_jsonb(datistemplate) FROM d
UNION ALL SELECT 'option', 'ALLOW_CONNECTIONS', to_jsonb(datallowconn) FROM d
UNION ALL SELECT 'comment', '', to_jsonb(shobj_description(oid, 'pg_database')) FROM d
UNION ALL SELECT 'rights', '', (
        SELECT jsonb_agg(item ORDER BY item) FROM (
            SELECT jsonb_build_array(
                CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END, privilege_type, is_grantable
            ) AS item
            FROM aclexplode(coalesce(datacl, acldefault('d', datdba)))
        ) items
    ) FROM d
UNION ALL SELECT 'settings', CASE setrole WHEN 0 THEN '' ELSE setrole::regrole::text END, to_jsonb(setconfig)
    FROM pg_catalog.pg_db_role_setting JOIN d ON d.oid = setdatabase
"""
_SETTINGS_OF_ROLES = """
UNION ALL SELECT 'role settings', CASE setrole WHEN 0 THEN 'ALL' ELSE setrole::regrole::text END, to_jsonb(setconfig)
    FROM pg_catalog.pg_db_role_setting WHERE setdatabase = 0
"""
_ROLES = """
UNION ALL SELECT 'role', oid::regrole::text, jsonb_build_array(
        rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit,
        coalesce(rolvaliduntil, 'infinity'), rolpassword
    )
    FROM pg_catalog.pg_authid WHERE oid >= 16384
"""
_READ = OF_DATABASE + _SETTINGS_OF_ROLES
_READ_BY_SUPERUSER = _READ + _ROLES

_ATTRIBUTES = ("SUPERUSER", "INHERIT", "CREATEROLE", "CREATEDB", "LOGIN", "REPLICATION", "BYPASSRLS")


class Properties:
    """What one worker database and the server's roles go back to, with what living fixtures made of it.

    Args:
        name: The database.
        host: The server's side.
        administration: Returns hermetic's own session in the database.
    """

    def __init__(self, name: str, host: Host, administration: Callable[[], Administration]) -> None:
        self._name = name
        self._host = host
        self._administration = administration
        self._base: State = {}
        self._moves: dict[int, State] = {}
        self._owed: set[Key] = set()
        self._version: str | None = None

    def mark(self) -> None:
        """Make what there is now what it goes back to, without any fixture."""
        self._version = self._read_version()
        self._base = self.now()
        self._moves.clear()

    def now(self) -> State:
        """Read what there is."""
        administration = self._administration()
        query = _READ_BY_SUPERUSER if administration.privileged else _READ
        return read(administration.all(query, {"name": self._name}))

    def wanted(self) -> State:
        """Return what it goes back to: of fixtures that changed the same, the one that began last."""
        found = dict(self._base)
        for number in sorted(self._moves):
            found.update(self._moves[number])
        return found

    def take(self, change: int, before: State | None) -> bool:
        """Let what changed since a set-up began belong to the baseline; return whether anything did.

        Args:
            change: The set-up's number.
            before: What there was; None where the database was made since.
        """
        changed = self._ours(difference(before or self._base, self.now()))
        if changed:
            self._moves[change] = changed
        return bool(changed)

    def remove(self, change: int) -> None:
        """Forget what a fixture changed; it is put back with the next restore."""
        changed = self._moves.pop(change, None)
        if changed is not None:
            self._owed |= changed.keys()
            self._version = None

    def differ(self, version: str) -> bool:
        """Whether anything that is ours to put back is not as it should be."""
        return version != self._version and bool(self._changed(self.now()))

    def put_back(self, version: str | None) -> list[Key]:
        """Put back what is not as it should be, and return what that was.

        Args:
            version: Of what there is; None where that was not asked, as nothing at all had changed.
        """
        if version is None or version == self._version:
            return []
        now = self.now()
        changed = self._changed(now)
        if changed:
            self._administration().run("; ".join(statements(self._name, now, {**now, **changed})))
        self._base.update({key: now.get(key) for key in difference(now, self.wanted()) if key not in changed})
        self._version = self._read_version() if changed else version
        self._owed.clear()
        self._host.forget_altered_roles()
        return list(changed)

    def put_on_new_database(self) -> None:
        """Give a database that was made in this one's place what belongs to it."""
        self._version = None
        self.put_back("")

    def _changed(self, now: State) -> State:
        """Return what should be otherwise, and is ours to put back."""
        return self._ours(difference(now, self.wanted()))

    def _ours(self, changed: State) -> State:
        """Leave out what other processes did to roles: that is theirs to undo."""
        return {
            key: value
            for key, value in changed.items()
            if not _is_of_role(key) or key in self._owed or self._host.undoes(key[1])
        }

    def _read_version(self) -> str:
        found: str = self._administration().one("SELECT pg_hermetic.properties_version()")[0]
        return found


def read(rows: list[Any]) -> State:
    """Return what the rows of a query say: what it is, whose, and its value."""
    return {(kind, whose): value for kind, whose, value in rows}


def _is_of_role(key: Key) -> bool:
    """Whether something belongs to a role, wherever it is."""
    return key[0].startswith("role")


def is_setting(key: Key) -> bool:
    """Whether sessions learn of something when they begin, and only then."""
    return "settings" in key[0]


def difference(old: State, new: State) -> State:
    """Return what of the new is not as in the old; None where it is gone."""
    return {key: new.get(key) for key in old.keys() | new.keys() if old.get(key) != new.get(key)}


def statements(database: str, now: State, wanted: State) -> list[str]:
    """Return what makes a database's properties, and those of roles, what they should be.

    Args:
        database: Its name.
        now: What there is.
        wanted: What should be; a role that is only in one of the two stays as it is.
    """
    changed = difference(now, wanted)
    roles = {whose for kind, whose in now if kind == "role"}
    found: list[str] = []
    for (kind, whose), value in sorted(changed.items(), key=lambda item: item[0][0] != "owner"):
        if "settings" in kind and roles and whose not in (*roles, "", "ALL"):
            continue  # of a role that is gone
        match kind:
            case "owner":
                found.append(f"ALTER DATABASE {quoted(database)} OWNER TO {value}")
            case "option":
                found.append(f"ALTER DATABASE {quoted(database)} {whose} {str(value).lower()}")
            case "comment":
                words = "NULL" if value is None else literal(value)
                found.append(f"COMMENT ON DATABASE {quoted(database)} IS {words}")
            case "settings":
                whole = f"ALTER ROLE {whose} IN DATABASE" if whose else "ALTER DATABASE"
                found += _settings(f"{whole} {quoted(database)}", value)
            case "role settings":
                found += _settings(f"ALTER ROLE {whose}", value)
            case "role" if value is not None and whose in roles:
                found.append(_role(whose, value))
    if not changed.keys().isdisjoint([("owner", ""), ("rights", "")]):
        found += _rights(database, now, wanted)
    return found


def _settings(whose: str, settings: list[str] | None) -> Iterator[str]:
    yield f"{whose} RESET ALL"
    for setting in settings or ():
        name, _, value = setting.partition("=")
        yield f"{whose} SET {name} TO {setting_value(name, value)}"


def _role(name: str, values: list[Any]) -> str:
    *switches, limit, until, password = values
    words = [word if on else f"NO{word}" for word, on in zip(_ATTRIBUTES, switches, strict=True)]
    secret = "NULL" if password is None else literal(password)
    return f"ALTER ROLE {name} {' '.join(words)} CONNECTION LIMIT {limit} VALID UNTIL '{until}' PASSWORD {secret}"


def _rights(database: str, now: State, wanted: State) -> Iterator[str]:
    """A change of owner changes rights too, so that they are given anew."""
    given = [*(now["rights", ""] or ()), *(wanted["rights", ""] or ())]
    for grantee in dict.fromkeys([now["owner", ""], wanted["owner", ""], *(item[0] for item in given)]):
        yield f"REVOKE ALL ON DATABASE {quoted(database)} FROM {grantee} CASCADE"
    for grantee, privilege, may_grant in wanted["rights", ""] or ():
        option = " WITH GRANT OPTION" if may_grant else ""
        yield f"GRANT {privilege} ON DATABASE {quoted(database)} TO {grantee}{option}"
