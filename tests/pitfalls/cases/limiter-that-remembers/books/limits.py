from collections import defaultdict

from fastapi import Depends, HTTPException, Request

from books.api import api


class Limiter:
    def __init__(self, times):
        self.times = times
        self.hits = defaultdict(int)

    def reset(self):
        self.hits.clear()

    async def __call__(self, request: Request):
        self.hits[request.client.host] += 1
        if self.hits[request.client.host] > self.times:
            raise HTTPException(429, "too many requests")


limiter = Limiter(times=3)


@api.get("/search", dependencies=[Depends(limiter)])
async def search(q: str):
    return []
