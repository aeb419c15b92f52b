from fastapi import Body, FastAPI

api = FastAPI()


@api.delete("/authors")
async def remove(ids: list[int] = Body()):
    return len(ids)
