import os

from main import app


@app.get("/bark")
async def bark():
    return {"fr": "ouah"}.get(os.environ.get("LANGUAGE_OF_PETS", "en"), "woof")
