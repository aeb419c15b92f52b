from typing import Annotated

from fastapi import Cookie, HTTPException, Response

from books.api import api


@api.post("/login")
async def login(name: str, response: Response):
    response.set_cookie("reader", name, secure=True, httponly=True)
    return {"name": name}


@api.get("/me")
async def me(reader: Annotated[str | None, Cookie()] = None):
    if reader is None:
        raise HTTPException(401)
    return {"name": reader}
