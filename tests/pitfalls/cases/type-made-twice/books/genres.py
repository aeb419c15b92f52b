import enum

from sqlalchemy.orm import Mapped, mapped_column

from books.api import api
from books.database import Base


class Genre(enum.Enum):
    novel = "novel"


class Shelf(Base):
    __tablename__ = "shelves"

    id: Mapped[int] = mapped_column(primary_key=True)
    genre: Mapped[Genre]


@api.get("/genres")
async def genres():
    return [each.value for each in Genre]
