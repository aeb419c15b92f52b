from fastapi import FastAPI, Request
from sqlalchemy import select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine("sqlite+aiosqlite:///audit.db")
Session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


class Hit(Base):
    __tablename__ = "hits"
    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str]


app = FastAPI()


@app.middleware("http")
async def audit(request: Request, call_next):
    async with Session() as session:
        request.state.db = session
        session.add(Hit(path=request.url.path))
        response = await call_next(request)
        await session.commit()
    return response


@app.get("/hits")
async def hits(request: Request):
    return (await request.state.db.scalars(select(Hit.path))).all()


@app.get("/ping")
async def ping():
    return "pong"
