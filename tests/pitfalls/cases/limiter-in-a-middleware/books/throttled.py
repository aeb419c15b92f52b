import time
from collections import defaultdict, deque

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.middleware.base import BaseHTTPMiddleware

from books.api import api


class Throttle(BaseHTTPMiddleware):
    def __init__(self, app, calls):
        super().__init__(app)
        self.calls = calls
        self.times = defaultdict(deque)

    async def dispatch(self, request, call_next):
        times = self.times[request.client.host]
        if len(times) >= self.calls:
            return JSONResponse({"detail": "slow down"}, 429)
        times.append(time.time())
        return await call_next(request)


def create_throttled():
    throttled = FastAPI()
    throttled.add_middleware(Throttle, calls=2)
    throttled.mount("/library", api)

    @throttled.get("/ping")
    async def ping():
        return "pong"

    return throttled


throttled = create_throttled()
