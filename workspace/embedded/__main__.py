"""`python -m workspace.embedded` prints the folder with the programs of PostgreSQL (pg_dump, psql, ...)."""

from workspace.embedded.binaries import binaries

print(binaries())  # noqa: T201
