"""Applications in the files of a project, and what the step makes of a suite beside one."""

from __future__ import annotations

from hermetic.migrate.migration import Migration, migrated, read
from hermetic.migrate.steps.database import DATABASE
from tests.source.projects import Project

BASE = """\
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
"""
SYNC = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

engine = create_engine("sqlite:///./app.db")
SessionLocal = sessionmaker(bind=engine)


def get_db():
    with SessionLocal() as session:
        yield session
"""
ASYNC = """\
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("sqlite+aiosqlite:///./app.db")
SessionLocal = async_sessionmaker(engine, expire_on_commit=False)


async def get_db():
    async with SessionLocal() as session:
        yield session
"""
MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy import select

from app.db import get_db
from app.models import User

app = FastAPI()


@app.post("/users", status_code=201)
{define} create(user: dict, db=Depends(get_db)):
    db.add(User(name=user["name"]))
    {wait}db.commit()


@app.get("/users")
{define} users(db=Depends(get_db)):
    return [user.name for user in {wait}db.scalars(select(User))]
"""


def application(db: str = SYNC, models: str = BASE) -> dict[str, str]:
    """Return the files of an application, by what its module of sessions has."""
    is_async = "async def" in db
    main = MAIN.replace("{define}", "async def" if is_async else "def")
    return {
        "app/__init__.py": "",
        "app/db.py": db,
        "app/models.py": models,
        "app/main.py": main.replace("{wait}", "await " if is_async else ""),
    }


def step(project: Project, files: dict[str, str], db: str = SYNC) -> Migration:
    """Return what the step makes of an application and a suite."""
    project.write(application(db)).write(files)
    return migrated(read(project.root), [DATABASE])


def after(migration: Migration, name: str = "conftest.py") -> str:
    """Return what a file has then."""
    (found,) = (change.after.decode() for change in migration.changes if change.file.name == name)
    return found
