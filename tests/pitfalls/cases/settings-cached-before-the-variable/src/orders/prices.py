from fastapi import FastAPI

from orders.config import get_settings

app = FastAPI(title=f"Prices in {get_settings().currency}")


@app.get("/currency")
async def currency():
    return get_settings().currency
