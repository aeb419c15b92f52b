"""What a schema finds on its server: extensions, roles and a database to start from, as the settings say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hermetic.database.backends.postgresql.server import Instance, new_instance
from tests.pytest_plugin.project import Project
from tests.pytest_plugin.saying import ini


def test_extensions(project: Project) -> None:
    """They are there before the schema, which has columns and indexes of their types."""
    project.write(
        pytest_ini=ini("hermetic_extensions =", "    citext", "    pg_trgm", "hermetic_schema = schema.sql"),
        schema_sql="""
        CREATE TABLE users (id serial PRIMARY KEY, name citext UNIQUE);
        CREATE INDEX ON users USING gin (name gin_trgm_ops);
        """,
        test_a_py="""
        import pytest

        @pytest.mark.parametrize("again", range(2))
        async def test_it(again, async_client):
            assert (await async_client.post("/users", json={"name": "Ada"})).json()["id"] == 1
            assert (await async_client.post("/users", json={"name": "ADA"})).status_code == 409
        """,
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 2}, result.output


def test_roles(project: Project) -> None:
    """The schema grants to them; the application acts as one by SET ROLE, and an engine logs in as one."""
    project.write(
        pytest_ini=ini("hermetic_roles =", "    reader", "    tenant", "hermetic_schema = schema.sql"),
        schema_sql="""
        CREATE TABLE users (id serial PRIMARY KEY, name text);
        INSERT INTO users (name) VALUES ('tenant'), ('somebody');
        GRANT SELECT ON users TO reader, tenant;
        ALTER TABLE users ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON users TO tenant USING (name = current_user);
        CREATE POLICY every ON users TO reader USING (true);
        """,
        test_a_py="""
        import pytest
        from shop import engine
        from sqlalchemy import create_engine, text
        from sqlalchemy.exc import ProgrammingError

        NAMES = text("SELECT name FROM users ORDER BY id")

        @pytest.mark.parametrize(("role", "names"), [("tenant", ["tenant"]), ("reader", ["tenant", "somebody"])])
        async def test_set_role(role, names):
            async with engine.begin() as connection:
                assert await connection.scalar(text("SELECT current_user::text")) == "shop"
                await connection.execute(text(f"SET ROLE {role}"))
                assert list(await connection.scalars(NAMES)) == names
                with pytest.raises(ProgrammingError, match="permission denied"):
                    await connection.execute(text("DELETE FROM users"))

        def test_log_in():
            as_tenant = create_engine("postgresql+psycopg2://tenant:secret@db.example/shop")
            with as_tenant.connect() as connection:
                assert list(connection.scalars(NAMES)) == ["tenant"]
        """,
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 3}, result.output


@pytest.fixture
def somebodys_server(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Instance]:
    """A server that runs whether or not tests do, with a database to start from."""
    monkeypatch.setenv("HERMETIC_CACHE", str(cache))
    instance = new_instance("embedded", project=tmp_path)
    make_start(instance)
    yield instance
    instance.stop()


def make_start(instance: Instance) -> None:
    """Make the database to start from."""
    with instance.connect() as connection:
        connection.execute("DROP DATABASE IF EXISTS start")
        connection.execute("CREATE DATABASE start")
        connection.execute("ALTER DATABASE start SET search_path = public, atlas")
    with instance.connect("start") as connection:
        connection.execute("CREATE SCHEMA atlas; GRANT USAGE ON SCHEMA atlas TO PUBLIC")
        connection.execute("CREATE TABLE atlas.countries AS VALUES ('NL'), ('CZ')")
        connection.execute("GRANT SELECT ON atlas.countries TO PUBLIC")


def test_template_database(project: Project, somebodys_server: Instance) -> None:
    """The schema is built beside what is in it, under its settings; it stays as it was. Made anew, it is copied so."""
    url = somebodys_server.url("postgres", somebodys_server.administrator).render_as_string()
    project.write(
        pytest_ini=ini(f"hermetic_postgresql = {url}", "hermetic_template_database = start"),
        test_a_py="""
        import pytest
        from sqlalchemy import text

        @pytest.mark.parametrize("again", range(2))
        async def test_it(again, async_client, async_test_db):
            assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1
            assert list(await async_test_db.scalars(text("TABLE countries"))) == ["NL", "CZ"]
        """,
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 2}, result.output
    with somebodys_server.connect("start") as connection:
        assert connection.execute("SELECT to_regclass('users')").fetchall() == [(None,)]
    assert "template reused, built " in project.pytest().output
    make_start(somebodys_server)
    assert "template built (fingerprint " in project.pytest().output
    assert "template reused, built " in project.pytest().output


def test_tables_in_a_schema_of_their_own(project: Project) -> None:
    """The schema is made with them, and what is written there is undone."""
    shop = (project.root / "shop.py").read_text()
    table = '__tablename__ = "users"\n'
    assert table in shop
    project.write(
        shop_py=shop.replace(table, f'{table}    __table_args__ = {{"schema": "billing"}}\n'),
        test_a_py="""
        import pytest
        from sqlalchemy import text


        @pytest.mark.parametrize("again", [1, 2])
        async def test_it(again, async_client, async_test_db):
            assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1
            assert await async_test_db.scalar(text("SELECT count(*) FROM billing.users")) == 1
        """,
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 2}, result.output
