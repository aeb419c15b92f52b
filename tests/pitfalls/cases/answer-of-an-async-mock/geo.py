import httpx
from fastapi import FastAPI

app = FastAPI()
client = httpx.AsyncClient()


@app.get("/geo")
async def geo(ip: str):
    response = await client.get(f"http://geo.example/{ip}")
    return {"city": response.json()["city"]}
