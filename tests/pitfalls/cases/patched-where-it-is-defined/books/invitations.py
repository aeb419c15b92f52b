from books.api import api
from books.mail import send


@api.post("/invitations", status_code=202)
async def invite(to: str):
    try:
        await send(to, "write a book!")
    except ConnectionError:
        return {"sent": False}
    return {"sent": True}
