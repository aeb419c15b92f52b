"""What belongs to a database or to a role, and not to what is in the database: read, and written as statements.

Its owner, rights, comment, limit and settings lie in catalogs that all databases of a server share: no event trigger
fires for them, and ``CREATE DATABASE ... TEMPLATE`` copies none. So they are read, and put back by the statements that
set them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from hermetic.database.backends.postgresql.server.quoting import literal, quoted, setting_value

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
READ = OF_DATABASE + _SETTINGS_OF_ROLES
READ_BY_SUPERUSER = READ + _ROLES

_ATTRIBUTES = ("SUPERUSER", "INHERIT", "CREATEROLE", "CREATEDB", "LOGIN", "REPLICATION", "BYPASSRLS")


def read(rows: list[Any]) -> State:
    """Return what the rows of a query say: what it is, whose, and its value."""
    return {(kind, whose): value for kind, whose, value in rows}


def is_of_role(key: Key) -> bool:
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
