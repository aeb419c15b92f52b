from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import Field, SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession

engine = create_async_engine("sqlite+aiosqlite:///pets.sqlite3")


class Pet(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str
    owner: str = "nobody"


async def db():
    async with AsyncSession(engine, expire_on_commit=False) as session:
        yield session


Db = Annotated[AsyncSession, Depends(db)]


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.get("/pets")
async def pets(db: Db):
    return (await db.exec(select(Pet).order_by(Pet.id))).all()


@app.post("/pets")
async def new_pet(pet: Pet, db: Db):
    db.add(pet)
    await db.commit()
    return pet


@app.get("/pets/{number}")
async def one_pet(number: int, db: Db):
    pet = await db.get(Pet, number)
    if pet is None:
        raise HTTPException(404)
    return pet
