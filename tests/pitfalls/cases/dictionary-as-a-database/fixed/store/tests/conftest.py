import pytest

from store.main import fake_db


@pytest.fixture(autouse=True)
def clean():
    fake_db.clear()
