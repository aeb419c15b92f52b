"""The application that every recipe tests: twenty tables, a POST that commits.

Copied into each generated project. Its own database is never opened: each recipe says what is in its place.
"""

import os
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import Column, DateTime, ForeignKey, Integer, Numeric, String, Table, Text, func
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

TABLES = 20

engine = create_async_engine(os.environ.get("DATABASE_URL", "sqlite+aiosqlite:///./production.db"))
Sessions = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    """The application's tables."""


class User(Base):
    """Somebody."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    email: Mapped[str] = mapped_column(String(200), unique=True)
    created: Mapped[datetime] = mapped_column(server_default=func.now())


for number in range(TABLES - len(Base.metadata.tables)):
    Table(
        f"things_{number:02}",
        Base.metadata,
        Column("id", Integer, primary_key=True),
        Column("owner_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
        Column("title", String(200), nullable=False),
        Column("description", Text),
        Column("status", String(20), nullable=False, index=True),
        Column("amount", Numeric(10, 2), nullable=False),
        Column("created", DateTime, nullable=False, server_default=func.now()),
        Column("updated", DateTime),
    )


class NewUser(BaseModel):
    """What a POST brings."""

    name: str
    email: str


async def get_session() -> AsyncIterator[AsyncSession]:
    """Open a session for one request."""
    async with Sessions() as session:
        yield session


app = FastAPI()


@app.post("/api/users", status_code=201)
async def create_user(
    new: NewUser, session: Annotated[AsyncSession, Depends(get_session)]
) -> dict[str, int | str]:
    """Make a user; 409 where the e-mail address is taken."""
    user = User(name=new.name, email=new.email)
    try:
        session.add(user)
        await session.commit()
    except IntegrityError as error:
        await session.rollback()
        raise HTTPException(409, f"{new.email} is taken") from error
    return {"id": user.id, "name": user.name}
