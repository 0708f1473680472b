"""Sums by hour, so that charts and tiles never read a million traces."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from workspace.models import Project


class Rollup(models.Model):
    """What the listed traces of one hour (UTC, by start or else by arrival), agent and model come to; with `is_day` of
    the day that begins at `hour`, so that a year is no more rows than a fortnight.

    A row is always computed from the traces themselves (a day from its hours), never added to, so it can be made again
    at any time. `latencies` counts traces by latency in the fixed logarithmic classes of curation.browse.rollups: the
    classes that are there, and behind them the number in each.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    hour = models.DateTimeField()
    is_day = models.BooleanField(default=False, db_default=False)
    agent = models.CharField(max_length=200, blank=True)
    model = models.CharField(max_length=200, blank=True)
    traces = models.IntegerField()
    errors = models.IntegerField()
    judged = models.IntegerField()
    acceptable = models.IntegerField()
    unacceptable = models.IntegerField()
    input_tokens = models.BigIntegerField(null=True)
    output_tokens = models.BigIntegerField(null=True)
    cost_usd = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    costed = models.IntegerField(help_text="Traces whose cost is known.")
    timed = models.IntegerField(help_text="Traces whose latency is known.")
    latencies = ArrayField(models.IntegerField(), default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "is_day", "hour", "agent", "model"], name="rollup_once")
        ]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H} {self.agent} {self.model}: {self.traces}"


class DirtyHour(models.Model):
    """An hour whose rollups have to be computed again, marked in the transaction that changed its traces."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    hour = models.DateTimeField()
    marked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["project", "hour"], name="dirty_hour")]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H}"
