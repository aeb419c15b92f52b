pytest_plugins = ["tests.fixtures.web"]
