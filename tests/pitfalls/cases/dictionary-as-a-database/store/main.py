from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

app = FastAPI()
fake_db: dict[str, dict] = {}


class Item(BaseModel):
    id: str
    title: str


@app.post("/items/")
async def create_item(item: Item):
    if item.id in fake_db:
        raise HTTPException(400, "Item already exists")
    fake_db[item.id] = item.model_dump()
    return item


@app.get("/items/")
async def list_items():
    return list(fake_db.values())
