"""Addresses of training, below /p/<project>/."""

from django.urls import path

from training.views import models, runs

app_name = "training"
urlpatterns = [
    path("runs/", runs.runs, name="runs"),
    path("runs/new/", runs.new_run, name="run-new"),
    path("runs/<uuid:uid>/", runs.run, name="run"),
    path("runs/<uuid:uid>/chart.json", runs.chart, name="run-chart"),
    path("runs/<uuid:uid>/log.txt", runs.log, name="run-log"),
    path("runs/<uuid:uid>/cancel/", runs.cancel, name="run-cancel"),
    path("runs/<uuid:uid>/resume/", runs.resume, name="run-resume"),
    path("models/", models.models, name="models"),
    path("models/<uuid:uid>/", models.model, name="model"),
    path("models/<uuid:uid>/download/", models.model_download, name="model-download"),
]
