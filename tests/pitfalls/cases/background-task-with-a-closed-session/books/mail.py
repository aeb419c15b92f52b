from fastapi import BackgroundTasks

from books.api import Database, api
from books.tables import Author

sent = []


async def mail(author):
    sent.append([book.title for book in author.books])


@api.post("/mail/{author_id}", status_code=202)
async def send(author_id: int, database: Database, tasks: BackgroundTasks):
    tasks.add_task(mail, await database.get(Author, author_id))
    await database.close()
