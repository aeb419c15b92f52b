from sqlmodel import Field, SQLModel

from main import Db, Pet, app  # noqa: F401


class Visit(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    reason: str


@app.post("/visits")
async def visit(reason: str, db: Db):
    db.add(Visit(reason=reason))
    await db.commit()
