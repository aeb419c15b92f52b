"""A project of a thousand Python files of 150 lines, as large services have them: what ``hermetic init`` has to read.

Nine files a part: its tables, schemas, queries, service, routes, jobs and settings, and two files of tests. Each part
imports from the part before it, from the package's common modules and from libraries, by absolute and relative names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

FILES = 1000
LINES = 150
BEFORE = {
    "shop/__init__.py": "",
    "shop/parts/__init__.py": "",
    "shop/settings.py": """\
import os
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="shop_", env_file=".env")
    database_url: str
    secret_key: str = "development"


settings = Settings()
LEVEL = os.environ.get("SHOP_LOG_LEVEL", "INFO")
""",
    "shop/database.py": '''\
from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from shop.settings import settings

engine = create_async_engine(settings.database_url)
Sessions = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    """The tables."""


async def get_session() -> AsyncIterator[AsyncSession]:
    async with Sessions() as session:
        yield session
''',
    "tests/conftest.py": """\
import httpx
import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from shop.database import Base, get_session
from shop.main import app


@pytest.fixture
async def session():
    engine = create_async_engine("postgresql+asyncpg://localhost/shop_test")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with async_sessionmaker(engine)() as session:
        yield session
    await engine.dispose()


@pytest.fixture
async def client(session):
    app.dependency_overrides[get_session] = lambda: session
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
        yield client
""",
}
MAIN = """\
from fastapi import FastAPI

{imports}

app = FastAPI(title="shop")
{includes}
"""

HEADS = {
    "models": """\
from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, String, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shop.database import Base

if TYPE_CHECKING:
    from shop.parts.{before}.models import {Before}0
""",
    "schemas": """\
from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ..{before} import schemas as earlier
""",
    "queries": """\
from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shop.parts.{part} import models
from shop.parts.{before}.models import {Before}0
""",
    "service": """\
from __future__ import annotations

import logging
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from shop.parts.{before} import queries as earlier
from shop.parts.{part} import models, queries, schemas
from shop.settings import settings

logger = logging.getLogger(__name__)
""",
    "routes": """\
from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, status
from sqlalchemy.ext.asyncio import AsyncSession

from shop.database import get_session
from shop.parts.{part} import schemas, service

router = APIRouter(prefix="/{part}", tags=["{part}"])
Session = Annotated[AsyncSession, Depends(get_session)]
""",
    "jobs": """\
from __future__ import annotations

import asyncio
import json
import logging
import os
from pathlib import Path

from shop.database import Sessions
from shop.parts.{part}.service import {Part}Service

logger = logging.getLogger(__name__)
QUEUE = os.getenv("{PART}_QUEUE", "{part}")
""",
    "settings": """\
from __future__ import annotations

from functools import lru_cache

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
""",
    "test_{part}_routes": """\
import pytest

from shop.parts.{part}.models import {Part}0
""",
    "test_{part}_service": """\
import pytest
from unittest import mock

from shop.parts.{part} import schemas
from shop.parts.{part}.service import {Part}Service
""",
}

BODIES = {
    "models": '''

class {Part}{n}(Base):
    """One of the things of {part}."""

    __tablename__ = "{part}_{n}"
    __table_args__ = (Index("ix_{part}_{n}_name", "name", "created"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    note: Mapped[str | None] = mapped_column(String(2000), default=None)
    amount: Mapped[int] = mapped_column(default=0, server_default="0")
    created: Mapped[datetime] = mapped_column(server_default=func.now())
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("{before}_0.id", ondelete="CASCADE"))
    owner: Mapped[{Before}0 | None] = relationship(lazy="selectin")

    @property
    def title(self) -> str:
        return f"{{self.name}} ({{self.amount}})" if self.amount else self.name
''',
    "schemas": '''

class {Part}{n}In(BaseModel):
    """What is sent."""

    name: str = Field(min_length=1, max_length=200, examples=["{part}"])
    note: str | None = None
    amount: int = Field(default=0, ge=0)

    @field_validator("name")
    @classmethod
    def stripped(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("a name is not blank")
        return value.strip()


class {Part}{n}Out({Part}{n}In):
    """What is returned."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    created: datetime
    earlier: list[int] = []
''',
    "queries": '''

async def list_{n}(session: AsyncSession, *, name: str = "", limit: int = 50) -> Sequence[models.{Part}0]:
    """Return some."""
    query = select(models.{Part}0).join({Before}0, isouter=True).order_by(models.{Part}0.created.desc())
    if name:
        query = query.where(or_(models.{Part}0.name.ilike(f"%{{name}}%"), {Before}0.name == name))
    found = await session.scalars(query.limit(limit).offset({n}))
    return [row for row in found.all() if row.amount >= 0]


async def remove_{n}(session: AsyncSession, number: int) -> int:
    """Remove one, and say how many there were."""
    count = await session.scalar(select(func.count()).select_from(models.{Part}0))
    await session.execute(update(models.{Part}0).where(models.{Part}0.id == number).values(amount=0))
    await session.execute(delete(models.{Part}0).where(models.{Part}0.id == number))
    return int(count or 0)
''',
    "service": '''

@dataclass
class {Part}Service{suffix}:
    """What can be done with {part}."""

    session: AsyncSession
    limit: int = 50

    async def create(self, wanted: schemas.{Part}0In) -> models.{Part}0:
        row = models.{Part}0(**wanted.model_dump(exclude_unset=True))
        self.session.add(row)
        try:
            await self.session.commit()
        except Exception:
            logger.exception("%s is not made", wanted.name)
            raise
        return row

    async def find(self, name: str) -> list[schemas.{Part}0Out]:
        rows = await queries.list_0(self.session, name=name, limit=self.limit)
        older = await earlier.list_0(self.session, name=name)
        numbers = {{row.id: index for index, row in enumerate(older) if row.amount}}
        return [schemas.{Part}0Out.model_validate(row) for row in rows if row.id not in numbers]
''',
    "routes": '''

@router.get("/{n}", response_model=list[schemas.{Part}0Out])
async def list_{n}(session: Session, name: str = Query(default="", max_length=200)) -> list[schemas.{Part}0Out]:
    """Return some."""
    found = await service.{Part}Service(session).find(name)
    if not found and name:
        raise HTTPException(status.HTTP_404_NOT_FOUND, detail=f"no {{name}}")
    return found


@router.post("/{n}", status_code=status.HTTP_201_CREATED)
async def create_{n}(session: Session, wanted: schemas.{Part}0In) -> schemas.{Part}0Out:
    """Make one."""
    row = await service.{Part}Service(session).create(wanted)
    return schemas.{Part}0Out.model_validate(row)
''',
    "jobs": '''

async def work_{n}(folder: Path, *, every: float = 1.0) -> None:
    """Do what files ask for."""
    while True:
        for path in sorted(folder.glob("*.json")):
            with path.open(encoding="utf-8") as file:
                wanted = json.load(file)
            async with Sessions() as session:
                rows = await {Part}Service(session).find(wanted.get("name", QUEUE))
            logger.info("%s: %d rows, %s", path.name, len(rows), [row.id for row in rows if row.amount])
            path.unlink(missing_ok=True)
        await asyncio.sleep(every)
''',
    "settings": '''

class {Part}Settings{n}(BaseSettings):
    """What {part} is told from outside."""

    model_config = SettingsConfigDict(env_prefix="{part}_{n}_", extra="ignore")
    host: str = "localhost"
    port: int = Field(default=80, ge=1, le=65535)
    tags: list[str] = Field(default_factory=list)
    patience: float = 1.5

    @property
    def address(self) -> str:
        return f"{{self.host}}:{{self.port}}"


@lru_cache
def settings_{n}() -> {Part}Settings{n}:
    return {Part}Settings{n}()
''',
    "test_{part}_routes": """

@pytest.mark.parametrize("name", ["a", "b c", "\\u00e9"])
async def test_create_{n}(client, session, name):
    response = await client.post("/{part}/{n}", json={{"name": name, "amount": {n}}})
    assert response.status_code == 201
    body = response.json()
    assert body["name"] == name
    row = await session.get({Part}0, body["id"])
    assert row is not None and row.amount == {n}
    listed = (await client.get("/{part}/{n}", params={{"name": name}})).json()
    assert [each["id"] for each in listed] == [body["id"]]
""",
    "test_{part}_service": '''

class Test{n}:
    """What the service does."""

    @pytest.fixture
    def wanted(self):
        return schemas.{Part}0In(name="{part} {n}", amount={n})

    async def test_create(self, session, wanted):
        row = await {Part}Service(session).create(wanted)
        assert (row.name, row.amount) == (wanted.name, wanted.amount)

    async def test_failure(self, session, wanted):
        with mock.patch.object(session, "commit", side_effect=RuntimeError), pytest.raises(RuntimeError):
            await {Part}Service(session).create(wanted)
''',
}


def write_tree(folder: Path, files: int = FILES) -> Path:
    """Write a project with that many Python files, and return its folder."""
    root = folder / f"tree_{files}"
    for name, text in contents(files).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (root / "requirements.txt").write_text("fastapi\nsqlalchemy\nasyncpg\npytest-asyncio\n", encoding="utf-8")
    return root


def contents(files: int) -> Mapping[str, str]:
    """Return the texts of the files, by name: those of the package, then parts until there are enough."""
    found = dict(BEFORE)
    parts = []
    for number in range(files):
        part, before = f"part{number:03}", f"part{max(number - 1, 0):03}"
        texts = dict(_part(part, before))
        room = files - len(found) - 1
        if room < len(texts):
            break
        found |= texts
        parts.append(part)
    imports = "\n".join(f"from shop.parts.{part}.routes import router as {part}_router" for part in parts)
    includes = "\n".join(f'app.include_router({part}_router, prefix="/api")' for part in parts)
    found["shop/main.py"] = MAIN.format(imports=imports, includes=includes)
    further = files - len(found)
    return found | {f"shop/further_{number}.py": "LIMIT = 5\n" for number in range(further)}


def _part(part: str, before: str) -> Iterator[tuple[str, str]]:
    names = {
        "part": part,
        "before": before,
        "Part": part.title(),
        "Before": before.title(),
        "PART": part.upper(),
    }
    yield f"shop/parts/{part}/__init__.py", ""
    for kind, head in HEADS.items():
        folder = "tests" if kind.startswith("test_") else f"shop/parts/{part}"
        yield f"{folder}/{kind.format(**names)}.py", _text(head, BODIES[kind], names)


def _text(head: str, body: str, names: Mapping[str, str]) -> str:
    """Repeat a body, each time with another number, until the file is long enough."""
    text = head.format(**names)
    number = 0
    while text.count("\n") < LINES:
        text += body.format(n=number, suffix=number or "", **names)
        number += 1
    return text
