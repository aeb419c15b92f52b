import datetime

from sqlalchemy import DateTime
from sqlalchemy.orm import Mapped, mapped_column

from books.database import Base


class Loan(Base):
    __tablename__ = "loans"

    id: Mapped[int] = mapped_column(primary_key=True)
    due: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True))
