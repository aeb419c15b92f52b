import time
from concurrent.futures import ThreadPoolExecutor

from fastapi.testclient import TestClient

from app.main import app
from app.models import Task


def test_create(client, ada):
    response = client.post(f"/api/users/{ada['id']}/tasks", json={"title": "engine"})
    assert response.status_code == 201
    assert response.json()["done"] is False


def test_nobody_s_task(client):
    for url in ("/api/users/1/tasks", "/api/users/2/tasks"):
        assert client.get(url).status_code == 404


def test_list(client, ada, make_task):
    titles = [make_task(title)["title"] for title in ("engine", "notes")]
    listed = client.get(f"/api/users/{ada['id']}/tasks").json()
    assert [task["title"] for task in listed] == titles


def test_tick_off(client, ada, make_task, db):
    task = make_task("engine", done=True)
    assert db.get(Task, task["id"]).done
    open_again = {"done": False}
    assert client.patch(f"/api/tasks/{task['id']}", json=open_again).json()["done"] is False


def test_many_at_once():
    with TestClient(app) as client:

        def create(number):
            return client.post("/api/users", json={"name": str(number)}).status_code

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(create, range(8))) == [201] * 8


def test_old_tasks_come_first(client, ada, make_task):
    make_task("first")
    time.sleep(0.01)
    make_task("second")
    listed = client.get(f"/api/users/{ada['id']}/tasks").json()
    assert [task["title"] for task in listed] == ["first", "second"]
