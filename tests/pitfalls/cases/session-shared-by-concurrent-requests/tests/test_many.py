import asyncio


async def test_many(client):
    async with asyncio.TaskGroup() as group:
        for number in range(10):
            group.create_task(client.post("/pets", json={"name": f"Rex {number}"}))
