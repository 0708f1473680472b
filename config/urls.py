"""All addresses: `/p/<project>/...` for pages, `/api/projects/<project>/...` for programs, `/v1/traces` in config.asgi."""

from django.urls import include, path

from config import demo_pages, pages, privacy_pages
from config.api import api

urlpatterns = [
    path("api/docs", pages.api_docs, name="api-docs"),
    path("api/", api.urls),
    path("styleguide", pages.styleguide, name="styleguide"),
    path("p/<slug:slug>/", include("workspace.urls")),
    path("p/<slug:slug>/", include("curation.urls")),
    path("p/<slug:slug>/", include("training.urls")),
    path("p/<slug:slug>/", include("evaluation.urls")),
    path("p/<slug:slug>/demo/delete/", demo_pages.delete_demo, name="demo-delete"),
    path("p/<slug:slug>/", pages.project, name="project"),
    path("p/<slug:slug>/privacy/", privacy_pages.privacy, name="privacy"),
    path("p/<slug:slug>/privacy/rules/", privacy_pages.privacy_rules, name="privacy-rules"),
    path("p/<slug:slug>/privacy/forget/", privacy_pages.privacy_forget, name="privacy-forget"),
    path("p/<slug:slug>/_counts", pages.counts, name="counts"),
    path("p/<slug:slug>/_places", pages.places, name="places"),
    path("", include("workspace.urls_root")),
]
handler500 = "workspace.views.health.server_error"
