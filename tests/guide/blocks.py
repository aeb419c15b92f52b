"""The code blocks of the guide that this project started from, verbatim.

Where a block leaves something out (an import, ``# ... setup code``), the project around it supplies that, and the block
stays as it is.
"""

INI = """
# pytest.ini
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = session
asyncio_default_test_loop_scope = function
"""

WILL_FAIL = """
# This WILL FAIL with async database operations
from fastapi.testclient import TestClient

def test_endpoint():
    client = TestClient(app)
    response = client.post("/api/users", json={"name": "test"})
    # If the endpoint uses async database operations, this may hang or fail
"""

HTTPX = """
import httpx
import pytest
from httpx import ASGITransport

@pytest.mark.asyncio
async def test_endpoint():
    transport = ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        response = await client.post("/api/users", json={"name": "test"})
        assert response.status_code == 200
"""

SESSION_FIXTURE = """
@pytest.fixture
async def async_db_session():
    engine = create_async_engine("sqlite+aiosqlite:///:memory:")
    async with engine.begin() as conn:
        await conn.run_sync(Base.metadata.create_all)
    
    async_session = async_sessionmaker(engine, expire_on_commit=False)
    async with async_session() as session:
        yield session
    
    await engine.dispose()
"""

CLIENT_CLASS = '''
class AsyncTestClient:
    """Async test client that properly handles async database operations."""
    
    async def __aenter__(self):
        from httpx import ASGITransport
        transport = ASGITransport(app=self.app)
        self._client = httpx.AsyncClient(transport=transport, base_url=self.base_url)
        return self
    
    async def get(self, url: str, **kwargs) -> httpx.Response:
        return await self._client.get(url, **kwargs)
'''

HEALTH = """
@pytest.mark.asyncio
async def test_health_endpoint(async_client):
    response = await async_client.get("/health")
    assert response.status_code == 200
"""

CREATE_USER = """
@pytest.mark.asyncio
async def test_create_user(async_client, async_test_db):
    response = await async_client.post("/api/users", json={"name": "test"})
    assert response.status_code == 201
    
    # Verify in database
    result = await async_test_db.execute(text("SELECT * FROM users WHERE name = 'test'"))
    user = result.fetchone()
    assert user is not None
"""

TEST_DB_FIXTURE = """
@pytest.fixture
async def async_test_db():
    # Set up async database session
    engine = create_async_engine("sqlite+aiosqlite:///:memory:")
    # ... setup code
    yield session
    await engine.dispose()
"""

EVENT_LOOP = '''
@pytest.fixture(scope="session")
def event_loop():
    """Create an instance of the default event loop for the test session."""
    loop = asyncio.get_event_loop_policy().new_event_loop()
    yield loop
    loop.close()
'''

SETUP_TEST_ENV = """
@pytest.fixture(autouse=True)
def setup_test_env():
    os.environ["TESTING"] = "true"
    os.environ["DATABASE_URL"] = "sqlite+aiosqlite:///:memory:"
    yield
"""

BEFORE = """
def test_endpoint():
    client = TestClient(app)
    response = client.get("/api/health")
    assert response.status_code == 200
"""

AFTER = """
@pytest.mark.asyncio
async def test_endpoint(async_client):
    response = await async_client.get("/api/health")
    assert response.status_code == 200
"""

MIXED = '''
def test_static_endpoint():
    """Simple test that doesn't use database - can use TestClient."""
    client = TestClient(app)
    response = client.get("/")
    assert response.status_code == 200

@pytest.mark.asyncio
async def test_database_endpoint(async_client):
    """Database test - must use AsyncTestClient."""
    response = await async_client.post("/api/users", json={"name": "test"})
    assert response.status_code == 201
'''
