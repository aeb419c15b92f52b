async def test_first_id(customer):
    assert customer.id == 1
