"""Queries per page: the same with 5 rows and with 50, and never more than the baseline that was agreed.

The baselines stand in query_counts.json. WHETSTONE_WRITE_SNAPSHOT=1 writes them again; the limits stay.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests import world
from workspace.models import Project, User

BASELINES = Path(__file__).with_name("query_counts.json")
PAGES = 8
MORE = {  # pages made of several things, each with the reason for its limit
    "evaluation:comparison": 18, "training:model": 14, "curation:dataset-version": 14, "training:run": 16,
    "curation:review-item": 12, "curation:trace": 12, "evaluation:over-time": 10, "training:run-new": 10,
    "evaluation:comparison-new": 10,
    "curation:pair": 14,  # both sides, each with its document; two leases
    "curation:trace-becomes": 20,  # a freeze of one trace in a snapshot, its steps, and the descent of each version that holds it
    "curation:grader": 15,  # its figures are four queries, its bars two, its disagreements two
    "curation:topic": 10,  # its newest traces stand under a time limit, which is two in the transaction that only tests have
    "curation:topics": 10,  # the counts stand under a time limit (see above), and the clusters: proposed, and to be taken back
    "curation:traces": 10,  # saved views, queues and topics; two are the time limit inside the transaction that only tests have
}  # fmt: skip


def count(client: Client, addresses: dict[str, str]) -> dict[str, int]:
    found = {}
    for name, address in addresses.items():
        client.get(address)  # what is cached per process is warm in life too
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(address).status_code == 200, name
        found[name] = len(queries)
    return found


def test_queries_do_not_grow_with_rows(
    project: Project, ada: User, charlie: User, as_user: Callable[[User], Client]
) -> None:
    few = count(as_user(ada), world.build(project, ada, size=5))
    many = count(as_user(charlie), world.build(Project.objects.get(slug="other"), charlie, size=50))
    assert {name: (few[name], many[name]) for name in few if many[name] > few[name]} == {}
    assert {name: n for name, n in few.items() if n > MORE.get(name, PAGES)} == {}
    if os.environ.get("WHETSTONE_WRITE_SNAPSHOT"):
        BASELINES.write_text(json.dumps(few, indent=1, sort_keys=True) + "\n")
    assert few == json.loads(BASELINES.read_text()), "Fewer is fine: write the baseline again. More needs a reason."
