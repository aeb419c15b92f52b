from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

engine = create_engine("sqlite:///./prod.db", connect_args={"check_same_thread": False})
SessionLocal = sessionmaker(engine)


class Base(DeclarativeBase):
    pass


class Todo(Base):
    __tablename__ = "todos"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


def get_db():
    with SessionLocal() as db:
        yield db


app = FastAPI()


@app.post("/todos/{text}")
def add(text: str, db: Session = Depends(get_db)):
    db.add(Todo(text=text))
    db.commit()
    return db.scalars(select(Todo.text)).all()
