from fastapi import FastAPI

from repository import Repository

app = FastAPI()
repository = Repository("words.db")


@app.get("/words")
async def words():
    return [word for (word,) in await repository.all()]
