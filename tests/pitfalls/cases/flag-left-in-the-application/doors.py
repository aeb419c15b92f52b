from fastapi import HTTPException

from main import app

app.state.maintenance = False


@app.get("/door")
async def door():
    if app.state.maintenance:
        raise HTTPException(503)
    return "open"
