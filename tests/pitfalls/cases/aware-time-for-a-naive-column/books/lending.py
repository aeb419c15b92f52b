import datetime

from pydantic import BaseModel

from books.api import Database, api
from books.loans import Loan


class NewLoan(BaseModel):
    due: datetime.datetime


@api.post("/loans", status_code=201)
async def lend(new: NewLoan, database: Database):
    loan = Loan(due=new.due)
    database.add(loan)
    await database.commit()
    return {"id": loan.id}


@api.get("/loans/{loan_id}/overdue")
async def is_overdue(loan_id: int, database: Database):
    loan = await database.get(Loan, loan_id)
    await database.refresh(loan)
    return loan.due < datetime.datetime.now(datetime.UTC)
