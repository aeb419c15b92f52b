from fastapi import APIRouter, Depends

router = APIRouter()


def who_asks():
    return "real@example.org"


@router.get("/me")
async def me(email: str = Depends(who_asks)):
    return email
