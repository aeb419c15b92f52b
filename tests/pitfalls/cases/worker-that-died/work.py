import asyncio
from contextlib import asynccontextmanager

from fastapi import FastAPI

queue: asyncio.Queue = asyncio.Queue()
done = []


async def worker():
    while True:
        n = await queue.get()
        done.append(10 // n)
        queue.task_done()


@asynccontextmanager
async def lifespan(app):
    task = asyncio.create_task(worker())
    yield
    task.cancel()


app = FastAPI(lifespan=lifespan)


@app.post("/jobs/{n}")
async def work(n: int):
    await queue.put(n)
    await queue.join()
    return done
