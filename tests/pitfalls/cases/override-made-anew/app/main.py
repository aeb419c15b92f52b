from fastapi import Depends, FastAPI, HTTPException

app = FastAPI(title="notes")


def require_role(role: str):
    async def checker() -> str:
        raise HTTPException(403)

    return checker


@app.get("/admin")
async def admin(role: str = Depends(require_role("admin"))):
    return role
