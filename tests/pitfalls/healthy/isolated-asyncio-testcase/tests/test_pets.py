from unittest import IsolatedAsyncioTestCase, TestCase

from httpx import ASGITransport, AsyncClient

from main import Pet, app, lifespan


class TestOfPet(TestCase):
    def test_owner(self):
        self.assertEqual(Pet(name="Rex").owner, "nobody")


class TestPets(IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        await self.enterAsyncContext(lifespan(app))
        transport = ASGITransport(app)
        self.client = await self.enterAsyncContext(AsyncClient(transport=transport, base_url="http://pets"))

    async def test_none(self):
        self.assertEqual((await self.client.get("/pets/12345")).status_code, 404)

    async def test_again(self):
        self.assertEqual((await self.client.get("/pets/12345")).status_code, 404)
