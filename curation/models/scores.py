"""Measured values of a trace. A score that is missing is missing: it is no row, never a 0."""

from django.db import models
from django.db.models import Case, IntegerField, Q, When

from curation.models.traces import Trace, TraceRevision
from workspace.models import Project


class Score(models.Model):
    """One typed value: exactly one of number, boolean or category is set."""

    class Source(models.TextChoices):
        HUMAN = "human"
        JUDGE = "judge"
        CODE = "code"
        IMPORTED = "imported"
        WORKER = "worker"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    trace = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="scores")
    revision = models.ForeignKey(TraceRevision, null=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(max_length=100)
    number = models.FloatField(null=True)
    low = models.FloatField(null=True, help_text="Declared range of the number.")
    high = models.FloatField(null=True)
    boolean = models.BooleanField(null=True)
    category = models.CharField(max_length=100, blank=True)
    passed = models.BooleanField(null=True)
    reason = models.TextField(blank=True)
    source = models.CharField(max_length=8, choices=Source.choices)
    author = models.CharField(max_length=200, blank=True)
    grader_version = models.CharField(max_length=100, blank=True)
    external_id = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["trace", "name", "source", "external_id"],
                condition=~models.Q(external_id=""),
                name="score_once",
            ),
            models.CheckConstraint(
                condition=models.Q(source__in=["human", "judge", "code", "imported", "worker"]), name="score_source"
            ),
            models.CheckConstraint(
                condition=(
                    models.Q(number__isnull=False, boolean=None, category="")
                    | models.Q(number=None, boolean__isnull=False, category="")
                    | (models.Q(number=None, boolean=None) & ~models.Q(category=""))
                ),
                name="score_one_value",
            ),
        ]
        indexes = [models.Index(fields=["trace", "name", "-id"], name="score_newest")]

    def __str__(self) -> str:
        value = self.number if self.number is not None else self.boolean if self.boolean is not None else self.category
        return f"{self.name}={value}"


# what a grader of the project scored itself; no sender may give such an id (see curation.review.scores.check)
OWN_PREFIX = "grader:"
OWN_SOURCES = (Score.Source.JUDGE, Score.Source.CODE)
OWN = Q(source__in=OWN_SOURCES, external_id__startswith=OWN_PREFIX)
# of several of one name that which is shown and filtered by: a person's word, then a grader's own, then the newest
COUNTS_FIRST = (
    Case(When(source=Score.Source.HUMAN, then=0), When(OWN, then=1), default=2, output_field=IntegerField()),
    "-id",
)
