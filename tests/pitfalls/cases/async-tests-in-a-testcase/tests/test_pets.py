import unittest

from httpx import ASGITransport, AsyncClient

from main import app


class TestPets(unittest.TestCase):
    async def test_new_pet(self):
        async with AsyncClient(transport=ASGITransport(app), base_url="http://pets") as client:
            response = await client.post("/pets", json={"name": "Rex"})
            self.assertEqual(response.status_code, 500)
            self.assertEqual(response.json()["name"], "Not Rex")
