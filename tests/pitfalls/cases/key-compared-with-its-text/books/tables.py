from uuid import UUID, uuid4

from sqlalchemy.orm import Mapped, mapped_column

from books.database import Base


class Shelf(Base):
    __tablename__ = "shelves"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
