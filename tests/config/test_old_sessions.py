"""What an earlier version kept in sessions goes when the database is brought up to date."""

import importlib

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client

from workspace.models import User

pytestmark = pytest.mark.django_db


def test_trials_leave_the_sessions_and_nobody_is_signed_out(client: Client, alice: User) -> None:
    client.force_login(alice)
    session = client.session
    session["grader-trials"] = {"01": {"rows": [{"reason": "It names Ann Lee."}]}}
    session["other"] = "stays"
    session.save()
    until = Session.objects.get().expire_date
    importlib.import_module("curation.migrations.0018_trials_out_of_sessions").drop(apps, connection.schema_editor())
    held = Session.objects.get().get_decoded()
    assert "grader-trials" not in held and held["other"] == "stays" and held["_auth_user_id"] == str(alice.pk)
    assert Session.objects.get().expire_date == until
