"""One's own keys: stored only where they differ, conflicts named at both places, nothing stored then."""

from collections.abc import Callable

from django.test import Client

from curation.review import keys
from workspace.models import Project, User

As = Callable[[User], Client]


def test_keys_are_set_refused_with_both_names_and_reset(project: Project, rita: User, as_user: As) -> None:
    client, here = as_user(rita), "/p/acme/keys/"
    start = {act.name: act.key for act in keys.ACTS}
    assert len(set(start.values())) == len(start) and not keys.conflicts(start), "the start has no conflict"
    answer = client.post(here, {**start, "acceptable": "1", "rating1": "a"})
    assert answer.status_code == 302
    rita.refresh_from_db()
    assert rita.keys == {"acceptable": "1", "rating1": "a"} and keys.changed_of(rita) == {"a": "1", "1": "a"}
    refused = client.post(here, {**start, "acceptable": "r", "unsure": "g", "note": ""})
    page = refused.content.decode()
    assert refused.status_code == 422
    assert "r is also: Unacceptable, and on" in page and "r is also: Acceptable, and on" in page
    assert "g and a letter goes to a page" in page and "must be one character" in page
    rita.refresh_from_db()
    assert rita.keys == {"acceptable": "1", "rating1": "a"}, "nothing of it is stored"
    client.post(here, {"act": "reset"})
    rita.refresh_from_db()
    assert rita.keys == {}
