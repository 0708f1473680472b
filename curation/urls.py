"""Addresses of curation's pages, below /p/<project>/."""

from django.urls import URLPattern, path

from curation.views import traces

app_name = "curation"
urlpatterns: list[URLPattern] = [
    path("traces/", traces.traces, name="traces"),
    path("traces/figures/", traces.figures, name="trace-figures"),
    path("traces/complete/", traces.complete, name="trace-complete"),
    path("traces/waiting/", traces.waiting, name="traces-waiting"),
    path("traces/bulk/", traces.bulk, name="trace-bulk"),
    path("traces/undo/", traces.undo, name="trace-undo"),
]
