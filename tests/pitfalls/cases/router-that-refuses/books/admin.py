from fastapi import APIRouter, Depends

from books.api import api
from books.security import current_user, require_token

router = APIRouter(prefix="/admin", dependencies=[Depends(require_token)])


@router.get("/me")
async def me(user=Depends(current_user)):
    return user


api.include_router(router)
