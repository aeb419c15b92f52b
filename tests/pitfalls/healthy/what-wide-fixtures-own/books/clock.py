from fastapi import Depends

from books.api import api


def now():
    raise NotImplementedError


@api.get("/now")
async def what_time(time: str = Depends(now)):
    return {"now": time, "language": api.state.language}
