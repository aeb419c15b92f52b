from fastapi import APIRouter, Depends, FastAPI

from shop.deps import current_user, require_admin

router = APIRouter()


@router.get("/orders")
async def orders(user: dict = Depends(current_user), _=Depends(require_admin)):
    return []


def create_app():
    app = FastAPI()
    app.include_router(router, prefix="/api")
    return app
