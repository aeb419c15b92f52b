from sqlalchemy.ext.asyncio import AsyncSession

from orders.models import Customer


async def make_customer(engine, email="eve@example.org"):
    async with AsyncSession(engine) as session:
        customer = Customer(email=email)
        session.add(customer)
        await session.commit()
    return customer
