"""The service's tests: requests to the application, rows in a database that really commits."""
