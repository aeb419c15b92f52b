import pytest
from httpx import ASGITransport, AsyncClient
from shop.deps import current_user, require_admin
from shop.main import create_app


@pytest.fixture
def app():
    app = create_app()
    app.dependency_overrides[current_user] = lambda: {"name": "bob", "roles": ["staff"]}
    app.dependency_overrides[require_admin] = lambda: None
    return app


@pytest.fixture
async def client(app):
    async with AsyncClient(transport=ASGITransport(app), base_url="http://t") as c:
        yield c
