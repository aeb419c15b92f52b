"""Tasks of users: make one, list them, tick one off."""

from collections.abc import Sequence

from fastapi import APIRouter, HTTPException, status
from sqlalchemy import select

from ..db import Session
from ..models import Task
from ..schemas import TaskChange, TaskIn, TaskOut
from .users import existing_user

router = APIRouter(prefix="/api", tags=["tasks"])


@router.post("/users/{user_id}/tasks", status_code=status.HTTP_201_CREATED, response_model=TaskOut)
async def create_task(user_id: int, new: TaskIn, session: Session) -> Task:
    """Give a user a task."""
    user = await existing_user(user_id, session)
    task = Task(user_id=user.id, title=new.title)
    session.add(task)
    await session.commit()
    return task


@router.get("/users/{user_id}/tasks", response_model=list[TaskOut])
async def list_tasks(user_id: int, session: Session) -> Sequence[Task]:
    """List the tasks of a user, the oldest first."""
    user = await existing_user(user_id, session)
    found = await session.scalars(select(Task).where(Task.user_id == user.id).order_by(Task.id))
    return found.all()


@router.patch("/tasks/{task_id}", response_model=TaskOut)
async def change_task(task_id: int, change: TaskChange, session: Session) -> Task:
    """Tick a task off, or take the tick back."""
    task = await session.get(Task, task_id)
    if task is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"there is no task {task_id}")
    task.done = change.done
    await session.commit()
    return task
