"""A detached process that works in a folder: how it is found again after anything else has died."""

from django.db import models


class WorkerProcess(models.Model):
    """One process of a worker. (boot_id, pid, pid_started) name it for good: a reused pid is never taken for it."""

    class Status(models.TextChoices):
        STARTING = "starting"
        RUNNING = "running"
        EXITED = "exited"
        LOST = "lost"

    number = models.PositiveIntegerField(help_text="Counts up per owner: the fencing token.")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.STARTING)
    folder = models.CharField(max_length=500, help_text="job.json in, events.jsonl, console.log and result.json out.")
    host = models.CharField(max_length=200, blank=True)
    boot_id = models.CharField(max_length=64, blank=True)
    pid = models.IntegerField(null=True)
    pid_started = models.FloatField(null=True, help_text="Start time of the process in clock ticks since boot.")
    lease_owner = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    progress_at = models.DateTimeField(null=True)
    events_offset = models.BigIntegerField(default=0, help_text="Bytes of events.jsonl that are in the database.")
    progress = models.JSONField(default=dict, help_text="The newest progress event: step, total, seconds_left, ...")
    exit_code = models.IntegerField(null=True)
    signal = models.IntegerField(null=True)
    error_class = models.CharField(
        max_length=40, blank=True, help_text="oom, data, config, disk, import, killed, lost, error"
    )
    error = models.TextField(blank=True)
    started_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True
