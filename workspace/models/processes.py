"""Signs of life of the processes that work behind the pages."""

from django.db import models


class Heartbeat(models.Model):
    """The last time the process called `name` (worker, beat) proved that it works."""

    name = models.CharField(max_length=40, unique=True)
    at = models.DateTimeField()
    detail = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%H:%M:%S}"
