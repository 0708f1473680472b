"""The PostgreSQL server that comes with Whetstone, for machines where nobody gave it a DATABASE_URL."""
