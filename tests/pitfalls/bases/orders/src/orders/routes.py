from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from orders.deps import session_of_request
from orders.models import Customer, Order

router = APIRouter()
SessionDep = Annotated[AsyncSession, Depends(session_of_request)]


class CustomerIn(BaseModel):
    email: str


@router.post("/customers", status_code=201)
async def create_customer(body: CustomerIn, session: SessionDep):
    if await session.scalar(select(Customer).where(Customer.email == body.email)):
        raise HTTPException(409)
    customer = Customer(email=body.email)
    session.add(customer)
    await session.commit()
    return {"id": customer.id}


@router.get("/customers")
async def customers(session: SessionDep):
    return [c.email for c in (await session.execute(select(Customer).order_by(Customer.id))).scalars()]


@router.get("/customers/{customer_id}/turnover")
async def turnover(customer_id: int, session: SessionDep):
    query = select(func.coalesce(func.sum(Order.total), 0)).where(Order.customer_id == customer_id)
    return {"turnover": float(await session.scalar(query))}
