from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException

api = FastAPI()


async def current_user() -> str:
    raise HTTPException(401)


@api.get("/me")
async def me(user: Annotated[str, Depends(current_user)]):
    return user


app = FastAPI(title="notes")
app.mount("/api", api)
