from fastapi import Request

from main import app

app.state.greeting = "Hello"


@app.get("/greeting")
async def greeting(request: Request):
    return request.app.state.greeting
