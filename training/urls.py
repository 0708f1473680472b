"""Addresses of training's pages, below /p/<project>/."""

from django.urls import URLPattern

app_name = "training"
urlpatterns: list[URLPattern] = []
