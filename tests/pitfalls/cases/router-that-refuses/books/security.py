from fastapi import Header, HTTPException


async def require_token(authorization: str = Header(default="")):
    if authorization != "Bearer s3cret":
        raise HTTPException(401, "not allowed")


async def current_user(authorization: str = Header(default="")):
    return {"name": authorization}
