from orders.models import Customer


def test_customer():
    assert Customer(email="a@example.org").email == "a@example.org"
