import pytest
from app.models import User

from tests.clients import another_browser, create_user, names


def test_a_name_is_enough(client):
    made = create_user(client, "Ada")
    assert (made["name"], made["email"]) == ("Ada", None)


def test_read_back(client, ada):
    response = client.get(f"/api/users/{ada['id']}")
    assert response.status_code == 200
    assert response.json() == ada


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "Ada", "email": "nonsense"}])
def test_what_is_refused(client, body):
    assert client.post("/api/users", json=body).status_code == 422


def test_an_address_belongs_to_one(client, ada, db):
    response = client.post("/api/users", json={"name": "Eve", "email": "ADA@example.org"})
    assert response.status_code == 409
    assert db.query(User).count() == 1


def test_pages(client, db):
    db.add_all([User(name=name) for name in ("Ada", "Grace", "Edsger")])
    db.commit()
    first = client.get("/api/users", params={"limit": 2}).json()
    assert [user["name"] for user in first] == ["Ada", "Grace"]
    assert names(client, limit=2, after=first[-1]["id"]) == ["Edsger"]


class TestRemoval:
    def test_a_user_is_removed(self, client, ada):
        assert client.delete(f"/api/users/{ada['id']}").status_code == 204
        assert client.get(f"/api/users/{ada['id']}").status_code == 404

    def test_with_all_tasks(self, client, ada, make_task):
        make_task("engine")
        client.delete(f"/api/users/{ada['id']}")
        assert client.get(f"/api/users/{ada['id']}/tasks").status_code == 404


def test_two_browsers(client):
    create_user(client, "Ada")
    with another_browser("lynx") as other:
        create_user(other, "Grace")
        assert names(other) == ["Ada", "Grace"]
    assert names(client) == ["Ada", "Grace"]
