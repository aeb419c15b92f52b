from functools import lru_cache


@lru_cache
async def rates():
    return {"EUR": 1, "USD": 2}
