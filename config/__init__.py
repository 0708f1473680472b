"""The roof: settings, addresses, the API and the servers' entry points."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
