"""Addresses of curation's pages, below /p/<project>/."""

from django.urls import URLPattern

app_name = "curation"
urlpatterns: list[URLPattern] = []
