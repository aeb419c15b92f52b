from unittest import IsolatedAsyncioTestCase

from httpx import ASGITransport, AsyncClient

from main import app, engine, lifespan


class TestPets(IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        await self.enterAsyncContext(lifespan(app))
        self.addAsyncCleanup(engine.dispose)

    async def test_new_pet(self):
        async with AsyncClient(transport=ASGITransport(app), base_url="http://pets") as client:
            response = await client.post("/pets", json={"name": "Rex"})
            self.assertEqual(response.status_code, 200)
            self.assertEqual(response.json()["name"], "Rex")
