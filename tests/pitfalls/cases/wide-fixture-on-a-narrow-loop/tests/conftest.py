from tests.shelves import library  # noqa: F401
