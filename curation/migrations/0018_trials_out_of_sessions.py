"""What trials of graders found was kept in the sessions of signed-in people before it had rows of its own. It quotes traces, and
forgetting a person does not look there any more."""

from typing import Any

from django.contrib.sessions.backends.db import SessionStore
from django.db import migrations

KEY = "grader-trials"


def drop(apps: Any, schema_editor: Any) -> None:
    """Take it out of every session; everybody stays signed in."""
    sessions, store = (
        apps.get_model("sessions", "Session").objects.using(schema_editor.connection.alias),
        SessionStore(),
    )
    for key, data in sessions.values_list("pk", "session_data").iterator():
        held = store.decode(data)
        if KEY in held:
            del held[KEY]
            sessions.filter(pk=key).update(session_data=store.encode(held))


class Migration(migrations.Migration):
    dependencies = [("curation", "0017_trials"), ("sessions", "0001_initial")]
    operations = [migrations.RunPython(drop, migrations.RunPython.noop)]
