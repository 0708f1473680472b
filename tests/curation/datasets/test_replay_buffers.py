"""The pages of replay buffers: what lies in them, clearing, and taking that back until new rows pass."""

import pytest
from django.test import Client

from curation.datasets import build
from curation.datasets.recipe import parse
from curation.datasets.selecting import replay_buffer
from curation.models import DatasetVersion, ReplayBuffer
from tests.curation.datasets import rows
from workspace.access import SYSTEM
from workspace.models import AuditEntry, Project, User

pytestmark = pytest.mark.django_db


def freeze(project: Project, name: str) -> DatasetVersion:
    recipe = parse({"judgments": ["unjudged"], "validation": 0, "test": 0, "replay": {"buffer": "kept", "capacity": 8}})
    return build.freeze(project=project, name=name, query_text="", actor=SYSTEM, recipe=recipe)


def test_a_buffer_is_seen_cleared_and_brought_back(client: Client, project: Project, alice: User, rita: User) -> None:
    for _ in range(12):
        rows.trace(project)
    first = freeze(project, "first")
    client.force_login(rita)
    assert b"No replay buffer" not in client.get("/p/acme/datasets/replay/").content
    page = client.get("/p/acme/datasets/replay/kept/").content.decode()
    assert "8 of 8 places are filled; 12 rows passed" in page and str(first) in page
    assert client.post("/p/acme/datasets/replay/kept/change/", {"act": "clear"}).status_code == 403

    client.force_login(alice)
    change = "/p/acme/datasets/replay/kept/change/"
    page = client.post(change, {"act": "clear"}, follow=True).content.decode()
    assert "0 of 8 places are filled" in page and "Undo clearing (8 rows)" in page
    page = client.post(change, {"act": "restore"}, follow=True).content.decode()
    assert "8 of 8 places are filled; 12 rows passed" in page
    assert {"replay_buffer.cleared", "replay_buffer.restored"} <= set(
        AuditEntry.objects.values_list("action", flat=True)
    )

    # once new rows have passed, there is no way back that would not lose them
    client.post(change, {"act": "clear"})
    for _ in range(3):
        rows.trace(project)
    freeze(project, "second")
    page = client.post(change, {"act": "restore"}, follow=True).content.decode()
    assert "Rows have passed since" in page
    buffer = ReplayBuffer.objects.get(project=project, name="kept")
    assert replay_buffer.set_aside(buffer=buffer) == 0 and buffer.seen == 15
    assert [one.buffer.name for one in replay_buffer.look(project=project)] == ["kept"]
