from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine("sqlite+aiosqlite:///app.db")
maker = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


async def get_db():
    async with maker() as s:
        yield s


app = FastAPI()


@app.get("/users/{uid}")
async def read(uid: int, db=Depends(get_db)):
    user = await db.get(User, uid)
    if not user:
        raise HTTPException(404)
    return {"id": user.id, "name": user.name}
