from sqlalchemy import ForeignKey, delete
from sqlalchemy.orm import Mapped, mapped_column

from books.api import Database, api
from books.database import Base
from books.tables import Author


class Review(Base):
    __tablename__ = "reviews"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id", ondelete="CASCADE"))


@api.delete("/authors/{author_id}", status_code=204)
async def remove(author_id: int, database: Database):
    await database.execute(delete(Author).where(Author.id == author_id))
    await database.commit()
