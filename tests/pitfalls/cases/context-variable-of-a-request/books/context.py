from contextvars import ContextVar

from books.database import Session

current_session = ContextVar("current_session")


class SessionMiddleware:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async with Session() as session:
            token = current_session.set(session)
            try:
                await self.app(scope, receive, send)
            finally:
                current_session.reset(token)
