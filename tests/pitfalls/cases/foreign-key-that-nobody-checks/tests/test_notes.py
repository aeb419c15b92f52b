import pytest
from notes.db import Note, User
from sqlalchemy.exc import IntegrityError


class TestNotes:
    async def test_owner_cannot_be_deleted(self, db):
        user = User(email="a@b.c")
        db.add(user)
        await db.flush()
        db.add(Note(text="hi", owner_id=user.id))
        await db.commit()
        await db.delete(user)
        with pytest.raises(IntegrityError):
            await db.commit()
