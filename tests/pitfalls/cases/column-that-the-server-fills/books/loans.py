from datetime import datetime

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from books.database import Base


class Loan(Base):
    __tablename__ = "loans"

    id: Mapped[int] = mapped_column(primary_key=True)
    reader: Mapped[str]
    changed: Mapped[datetime | None] = mapped_column(onupdate=func.now())
