import threading
import time

from main import app


def watch():
    while True:
        time.sleep(0.05)


@app.post("/watch")
async def start():
    threading.Thread(target=watch, name="watcher").start()
    return "watching"
