"""Users: make one, read one, list them."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, status
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from ..db import Session
from ..models import User
from ..schemas import UserIn, UserOut

router = APIRouter(prefix="/api/users", tags=["users"])


async def existing_user(user_id: int, session: Session) -> User:
    """Return the user of the path; 404 where there is none."""
    user = await session.get(User, user_id)
    if user is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"there is no user {user_id}")
    return user


@router.post("", status_code=status.HTTP_201_CREATED, response_model=UserOut)
async def create_user(new: UserIn, session: Session) -> User:
    """Make a user; 409 where somebody has the e-mail address already."""
    user = User(name=new.name, email=new.email)
    session.add(user)
    try:
        await session.commit()
    except IntegrityError as error:
        await session.rollback()
        raise HTTPException(status.HTTP_409_CONFLICT, f"{new.email} is taken") from error
    return user


@router.get("", response_model=list[UserOut])
async def list_users(
    session: Session,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    after: Annotated[int, Query(ge=0)] = 0,
) -> Sequence[User]:
    """List users by id, a page at a time; ``after`` is the last id of the page before."""
    found = await session.scalars(select(User).where(User.id > after).order_by(User.id).limit(limit))
    return found.all()


@router.get("/{user_id}", response_model=UserOut)
async def read_user(user_id: int, session: Session) -> User:
    """Return one user."""
    return await existing_user(user_id, session)


@router.delete("/{user_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_user(user_id: int, session: Session) -> None:
    """Remove a user and all tasks of theirs."""
    await session.delete(await existing_user(user_id, session))
    await session.commit()
