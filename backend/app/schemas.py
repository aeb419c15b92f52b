"""What goes in and out of the API."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints


def in_utc(moment: datetime) -> datetime:
    """Return the moment in UTC; SQLite forgets the time zone of what it stores, which is always UTC here."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(in_utc)]

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, to_lower=True, max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
    ),
]


class UserIn(BaseModel):
    """A user to be made; the e-mail address is optional, and nobody else may have it."""

    name: Name
    email: Email | None = None


class UserOut(BaseModel):
    """A user as the API shows it."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    email: str | None
    created_at: Moment


class TaskIn(BaseModel):
    """A task to be made."""

    title: Title


class TaskChange(BaseModel):
    """What can be changed of a task."""

    done: bool


class TaskOut(BaseModel):
    """A task as the API shows it."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    user_id: int
    title: str
    done: bool
    created_at: Moment
