from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import Field, SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession

engine = create_async_engine("sqlite+aiosqlite:///heroes.db")


class Hero(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(index=True)


async def get_session():
    async with AsyncSession(engine, expire_on_commit=False) as session:
        yield session


SessionDep = Annotated[AsyncSession, Depends(get_session)]
app = FastAPI()


@app.post("/heroes", status_code=201)
async def create(hero: Hero, session: SessionDep):
    session.add(hero)
    await session.commit()
    return hero


@app.get("/heroes/{hero_id}")
async def read(hero_id: int, session: SessionDep):
    hero = await session.get(Hero, hero_id)
    if not hero:
        raise HTTPException(404, "Hero not found")
    return hero


@app.get("/heroes")
async def heroes(session: SessionDep):
    return (await session.exec(select(Hero))).all()
