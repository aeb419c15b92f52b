from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from books.database import Base


class Shelf(Base):
    __tablename__ = "shelves"
    __table_args__ = (CheckConstraint("length(label) <= 5"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(String(5))
