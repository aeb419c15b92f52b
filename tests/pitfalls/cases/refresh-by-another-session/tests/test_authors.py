async def test_kept(client, session, ann):
    await client.get("/authors")
    await session.refresh(ann)
    assert ann.name == "Ann"
