"""Addresses of evaluation's pages, below /p/<project>/."""

from django.urls import URLPattern

app_name = "evaluation"
urlpatterns: list[URLPattern] = []
