"""Django's PostgreSQL backend with one addition: the first connection starts the embedded server."""
