from app.main import app, require_role


async def test_admin(client):
    app.dependency_overrides[require_role("admin")] = lambda: "admin"
    response = await client.get("/admin")
    app.dependency_overrides.clear()
    assert response.status_code == 200
