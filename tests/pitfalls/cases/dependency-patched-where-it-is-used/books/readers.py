from fastapi import HTTPException


async def current_reader() -> str:
    raise HTTPException(401)
