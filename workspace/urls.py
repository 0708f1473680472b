"""Addresses of a project's settings."""

from django.urls import path

from workspace.views import settings

app_name = "workspace"
urlpatterns = [
    path("settings/", settings.settings, name="settings"),
    path("settings/members/", settings.add_member, name="member-add"),
    path("settings/members/<int:pk>/", settings.set_member, name="member-set"),
    path("settings/tokens/", settings.issue_token, name="token-issue"),
    path("settings/tokens/<uuid:uid>/revoke/", settings.revoke_token, name="token-revoke"),
    path("settings/connections/", settings.add_connection, name="connection-add"),
    path("settings/budget/", settings.set_budget, name="project-budget"),
    path("settings/connections/<uuid:uid>/", settings.change_connection, name="connection-change"),
    path("settings/connections/<uuid:uid>/key/", settings.replace_key, name="connection-key"),
    path("settings/connections/<uuid:uid>/try/", settings.try_connection, name="connection-try"),
    path("settings/audit/", settings.audit_log, name="audit"),
]
