from orders.application import create_app as create
from orders.me import router


def create_app():
    app = create()
    app.include_router(router)
    return app
