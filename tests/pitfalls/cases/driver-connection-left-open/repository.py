import aiosqlite


class Repository:
    def __init__(self, path):
        self.path = path
        self.connection = None

    async def all(self):
        if self.connection is None:
            self.connection = await aiosqlite.connect(self.path)
            await self.connection.execute("create table if not exists words (word text)")
        return await self.connection.execute_fetchall("select word from words")

    async def close(self):
        await self.connection.close()
