import queue

from fastapi import FastAPI

app = FastAPI()
inbox: queue.Queue = queue.Queue()


@app.get("/next")
def next_message():
    return inbox.get()


@app.post("/messages")
def post(text: str):
    inbox.put(text)
