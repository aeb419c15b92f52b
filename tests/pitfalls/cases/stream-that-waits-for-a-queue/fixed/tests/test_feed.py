import books.feed
from books.feed import events


async def test_hello():
    feed = events()
    assert await anext(feed) == "event: hello\n\n"
    await feed.aclose()
