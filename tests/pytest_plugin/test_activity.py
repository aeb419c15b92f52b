"""Below a failed test stands what it did, whatever the output, and nothing secret; above it, no frame of ours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.caches import with_initdb
from tests.pytest_plugin.postgresql import on_postgresql
from tests.pytest_plugin.project import APP, INI, Project
from tests.pytest_plugin.saying import said

TITLE = "hermetic: what the test did"
OWN_FRAME = re.compile(r"(src|site-packages)/hermetic/")

STRICT_APP = f"""
{APP}

from pydantic import BaseModel, field_validator
from sqlalchemy import text


class Account(Base):
    __tablename__ = "accounts"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str] = mapped_column(unique=True)


class NewAccount(BaseModel):
    email: str
    age: int
    password: str

    @field_validator("password")
    @classmethod
    def strong(cls, value):
        raise ValueError(f"{{value}} is weak")


@app.post("/accounts")
async def sign_up(new: NewAccount):
    ...


@app.post("/echo")
async def echo(body: dict, session: Session):
    session.add(Account(email="a@b.c", password_hash=body["password"]))
    await session.commit()
    raise HTTPException(409, {{"got": body, "dsn": f"postgresql://shop:{{body['password']}}@db/shop"}})


@app.get("/boom")
async def boom(session: Session):
    await session.execute(text("SELECT * FROM nowhere"))
"""

TESTS = """
import os

import pytest
from sqlalchemy import text
from shop import Account, User

SECRET = os.environ["PLANTED"]


@pytest.fixture
async def broken(async_test_db):
    await async_test_db.execute(text("SELECT * FROM nowhere"))


async def test_conflict(async_client):
    await async_client.post("/users", json={"name": "Ada"})
    response = await async_client.post("/users", json={"name": "Ada"})
    assert response.status_code == 201


async def test_refused(async_client):
    response = await async_client.post("/accounts", json={"age": "x", "password": SECRET})
    assert response.status_code == 201


async def test_secrets(async_client, async_test_db):
    headers = {"Authorization": f"Bearer {SECRET}"}
    async_client.cookies.set("session", SECRET)
    sent = await async_client.post(f"/echo?token={SECRET}", json={"password": SECRET}, headers=headers)
    async_test_db.add(Account(email="b@b.c", password_hash=SECRET))
    with pytest.raises(Exception):
        await async_test_db.flush()
    await async_test_db.rollback()
    await async_test_db.execute(text(f"SELECT '{SECRET}' AS password"))
    assert sent.status_code == 201


async def test_boom(async_client):
    await async_client.get("/boom")


async def test_statement(async_test_db):
    await async_test_db.execute(text("SELECT * FROM nowhere"))


async def test_fixture(broken):
    pass


async def test_nothing():
    assert 1 == 2


async def test_passes(async_client):
    assert (await async_client.post("/users", json={"name": "Ada"})).status_code == 201
"""

PLANTED = "hunter2hunter2"


@pytest.fixture
def failing(project: Project) -> Project:
    """A project whose tests fail in many ways, with a secret in each place."""
    project.environment["PLANTED"] = PLANTED
    return project.write(shop_py=STRICT_APP, test_a_py=TESTS)


def sections(output: str) -> list[str]:
    """Return the sections, without their rulers."""
    found = re.split(rf"^-+ {TITLE} -+$", output, flags=re.MULTILINE)[1:]
    return [re.split(r"^[-_=]{3}", each, maxsplit=1, flags=re.MULTILINE)[0].strip("\n") for each in found]


def test_what_is_shown(failing: Project) -> None:
    """One section a failed test that did something, with requests, answers, statements and their lines."""
    result = failing.pytest("--show-capture=no")
    said(
        result,
        "POST /users -> 409, ",
        "failed: IntegrityError: UNIQUE constraint failed: users.name",
        "rolled back  shop.py:",
        "body.email: Field required",
        "body.password: ***",
        "GET /boom -> 500 OperationalError, ",
        "failed: OperationalError: no such table: nowhere",
        "fixture 'broken' (function scope)",
    )
    assert result.outcomes() == {"failed": 6, "passed": 1, "errors": 1}
    found = sections(result.output)
    assert len(found) == 6, result.output  # neither of the test that did nothing nor of the one that passed
    assert all(len(each.splitlines()) < 40 for each in found)
    assert not OWN_FRAME.search(result.output), result.output
    assert PLANTED not in result.output


@pytest.mark.parametrize("style", ["short", "native", "line", "no"])
def test_other_tracebacks(failing: Project, style: str) -> None:
    """It stands below each; without tracebacks there is none, and where pytest shows a line alone that is all."""
    result = failing.pytest(f"--tb={style}", "--junitxml=report.xml")
    found = sections(result.output)
    if style == "line":
        assert all(len(re.findall(r"^ +[\d.]+ ms  ", each, re.MULTILINE)) <= 1 for each in found)
    else:
        assert bool(found) is (style != "no")
    assert not OWN_FRAME.search(result.output), result.output
    junit = (failing.root / "report.xml").read_text(encoding="utf-8")
    assert TITLE in junit
    assert PLANTED not in junit + result.output


def test_without_a_terminal(failing: Project) -> None:
    """Its plugin has the options that say how much is shown; the file for others has all that there is."""
    failing.pytest("-p", "no:terminal", "--junitxml=report.xml")
    assert TITLE in (failing.root / "report.xml").read_text(encoding="utf-8")


def test_in_a_worker(failing: Project) -> None:
    """It travels with the report."""
    failing.plugins = (*failing.plugins, "xdist")
    result = failing.pytest("-n", "1", "--tb=short")
    assert len(sections(result.output)) == 6, result.output
    assert PLANTED not in result.output


def test_everything(failing: Project) -> None:
    """``-vv`` shows all of it, and ``--full-trace`` our frames, too; still nothing that is secret."""
    result = failing.pytest("-vv", "--full-trace", "--tb=short")
    assert OWN_FRAME.search(result.output)
    assert all(PLANTED not in each for each in sections(result.output))


def test_little_or_nothing(failing: Project) -> None:
    """``short`` is a few lines, ``off`` none, and nothing is listened to."""
    failing.write(
        conftest_py="""
        from hermetic.events import (listeners)
        from hermetic.events.application import (RequestEnded)
        from hermetic.events.database import (Statement, TransactionEnded)

        def pytest_runtest_call(item):
            print("LISTENING", bool({RequestEnded, Statement, TransactionEnded} & set(listeners)))
        """
    )
    short = failing.pytest("--hermetic-failures=short", "--tb=short")
    found = sections(short.output)
    assert found and all(len(each.splitlines()) <= 6 for each in found)
    assert "LISTENING True" in short.output and PLANTED not in short.output
    off = failing.pytest("--hermetic-failures=off", "--tb=short")
    assert not sections(off.output)
    assert "LISTENING False" in off.output and "LISTENING True" not in off.output


def test_words_of_the_project(failing: Project) -> None:
    """More words make a name secret, and values of text SQL are shown where they are asked for."""
    failing.write(
        pytest_ini=f"{INI}hermetic_secrets = email\nhermetic_parameters = all\n",
        test_a_py="""
        from sqlalchemy import text
        from shop import Account

        async def test_it(async_test_db):
            async_test_db.add(Account(email="a@b.c", password_hash="x"))
            await async_test_db.flush()
            await async_test_db.execute(text("SELECT :a, :email"), {"a": 7, "email": "a@b.c"})
            assert 0
        """,
    )
    said(failing.pytest("--tb=line", "--tb=short"), "email=***, password_hash=***", "a=7, email=***")


def test_what_was_still_going_on(project: Project) -> None:
    """Tasks and transactions are those of the moment when the call raised, whatever ends them afterwards."""
    project.write(
        test_a_py="""
        import asyncio
        from shop import User

        async def poll():
            await asyncio.sleep(60)

        async def test_it(async_test_db):
            task = asyncio.create_task(poll())
            async_test_db.add(User(name="Ada"))
            await async_test_db.flush()
            assert 0
        """
    )
    said(
        project.pytest("--tb=short"),
        "the task `poll` was still running, at test_a.py:5",
        "what it wrote was neither committed nor rolled back when the test failed",
    )


def test_postgresql(project: Project, tmp_path: Path) -> None:
    """The same, with PostgreSQL's own words masked, and no frame of ours in its errors."""
    on_postgresql(project, with_initdb(tmp_path / "cache")).write(
        test_a_py="""
        import os
        from sqlalchemy import text
        from shop import User

        SECRET = os.environ["PLANTED"]

        async def test_conflict(async_client):
            await async_client.post("/users", json={"name": "Ada"})
            assert (await async_client.post("/users", json={"name": "Ada"})).status_code == 201

        async def test_statement(async_test_db):
            await async_test_db.execute(text("CREATE TABLE s (token TEXT UNIQUE)"))
            await async_test_db.execute(text(f"INSERT INTO s VALUES ('{SECRET}')"))
            try:
                await async_test_db.execute(text(f"INSERT INTO s (token) VALUES ('{SECRET}')"))
            except Exception:
                pass
            await async_test_db.rollback()
            await async_test_db.execute(text("SELECT * FROM nowhere"))
        """
    )
    project.environment["PLANTED"] = PLANTED
    result = project.pytest("--tb=short")
    said(
        result,
        "POST /users -> 409, ",
        "users_name_key",
        'relation "nowhere" does not exist',
        "VALUES ('***')",
    )
    assert not OWN_FRAME.search(result.output), result.output
    assert all(f"'{PLANTED}'" not in each.partition("(token)")[2] for each in sections(result.output))
