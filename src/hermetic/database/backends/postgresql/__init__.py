"""PostgreSQL: worker databases lie in a server, the run's own or one that a URL names."""
