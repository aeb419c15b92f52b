from books.tables import Author


async def test_duplicate(client, db_session):
    ann = Author(name="Ann")
    db_session.add(ann)
    await db_session.flush()
    ann_id = ann.id
    assert (await client.post("/authors", json={"name": "Ann"})).status_code == 409
    assert (await client.get(f"/authors/{ann_id}")).status_code == 200
