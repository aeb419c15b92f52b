from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException

app = FastAPI(title="notes")


async def current_user() -> str:
    raise HTTPException(401)


CurrentUser = Annotated[str, Depends(current_user)]


@app.get("/me")
async def me(user: CurrentUser):
    return user
