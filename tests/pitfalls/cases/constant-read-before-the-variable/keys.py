import os

from fastapi import FastAPI, Header, HTTPException

API_KEY = os.environ.get("SHOP_API_KEY", "")
app = FastAPI()


@app.get("/secret")
def secret(x_key: str = Header()):
    if x_key != API_KEY:
        raise HTTPException(403, "wrong key")
    return "ok"
