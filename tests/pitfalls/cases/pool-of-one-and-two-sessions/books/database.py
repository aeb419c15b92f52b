from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from books.settings import DATABASE_URL

engine = create_async_engine(DATABASE_URL, pool_size=1, max_overflow=0, pool_timeout=5)
Session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


async def get_session():
    async with Session() as session:
        yield session
