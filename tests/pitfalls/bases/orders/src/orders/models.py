from sqlalchemy import Column, ForeignKey, Integer, Numeric, String
from sqlalchemy.orm import declarative_base, relationship

Model = declarative_base()


class Customer(Model):
    __tablename__ = "customer"

    id = Column(Integer, primary_key=True)
    email = Column(String(120), unique=True, nullable=False)
    orders = relationship("Order", back_populates="customer")


class Order(Model):
    __tablename__ = "customer_order"

    id = Column(Integer, primary_key=True)
    total = Column(Numeric(10, 2), nullable=False)
    customer_id = Column(ForeignKey("customer.id"), nullable=False)
    customer = relationship("Customer", back_populates="orders")
