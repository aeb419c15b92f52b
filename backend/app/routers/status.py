"""Whether the service is there, and whether its database is."""

from datetime import datetime

from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy import text

from ..config import get_settings
from ..db import Session

router = APIRouter(tags=["status"])


class About(BaseModel):
    """What the service is."""

    service: str
    testing: bool


class Health(BaseModel):
    """How the service is."""

    status: str


class FullHealth(Health):
    """How the service and what it stands on are; ``last_beat`` is null where no lifespan runs."""

    database: str
    last_beat: datetime | None


@router.get("/")
async def about() -> About:
    """Say what this is; needs no database."""
    return About(service="hermetic's example service", testing=get_settings().testing)


@router.get("/health")
async def health() -> Health:
    """Say that the process answers; needs no database."""
    return Health(status="ok")


@router.get("/api/health")
async def full_health(request: Request, session: Session) -> FullHealth:
    """Say that the database answers."""
    await session.execute(text("SELECT 1"))
    heartbeat = getattr(request.state, "heartbeat", None)
    return FullHealth(status="ok", database="ok", last_beat=heartbeat and heartbeat.last_beat)
