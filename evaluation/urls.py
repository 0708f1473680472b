"""Addresses of evaluation's pages, below /p/<project>/."""

from django.urls import path

from evaluation.views import comparisons, over_time

app_name = "evaluation"
urlpatterns = [
    path("comparisons/", comparisons.comparisons, name="comparisons"),
    path("comparisons/new/", comparisons.comparison_new, name="comparison-new"),
    path("comparisons/<uuid:uid>/", comparisons.comparison, name="comparison"),
    path("comparisons/<uuid:uid>/stop/", comparisons.comparison_cancel, name="comparison-stop"),
    path("comparisons/<uuid:uid>/judging/", comparisons.comparison_judging, name="comparison-judging"),
    path("over-time/", over_time.over_time, name="over-time"),
]
