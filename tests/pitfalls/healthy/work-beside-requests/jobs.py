import asyncio
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

from fastapi import BackgroundTasks, FastAPI, Request
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine("sqlite+aiosqlite:///jobs.db")
Session = async_sessionmaker(engine)
pool = ThreadPoolExecutor(2)


class Base(DeclarativeBase):
    pass


class Job(Base):
    __tablename__ = "jobs"
    id: Mapped[int] = mapped_column(primary_key=True)
    result: Mapped[int]


async def work(queue):
    while True:
        number = await queue.get()
        async with Session.begin() as session:
            session.add(Job(result=number))
        queue.task_done()


@contextlib.asynccontextmanager
async def lifespan(app):
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    app.state.queue = asyncio.Queue()
    app.state.jobs = 0
    worker = asyncio.create_task(work(app.state.queue))
    stop = threading.Event()
    heart = threading.Thread(target=stop.wait, name="heart")
    heart.start()
    yield
    stop.set()
    heart.join()
    worker.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await worker
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.post("/jobs")
async def add(number: int, request: Request, tasks: BackgroundTasks):
    squared = await asyncio.get_running_loop().run_in_executor(pool, pow, number, 2)
    request.app.state.queue.put_nowait(await asyncio.to_thread(abs, squared))
    tasks.add_task(request.app.state.queue.join)


@app.get("/jobs")
async def count():
    async with Session() as session:
        return await session.scalar(select(func.sum(Job.result)))
