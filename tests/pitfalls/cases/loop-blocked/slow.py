import time

from main import app


@app.get("/slow")
async def slow():
    time.sleep(1.2)
    return "done"
