"""Audit and lineage: only ever added to, and walked both ways."""

import pytest
from django.db import IntegrityError, connection, transaction

from workspace import audit, lineage
from workspace.access import Actor
from workspace.lineage import Node
from workspace.models import AuditEntry, LineageEdge, Project, User


def test_the_log_cannot_be_rewritten(project: Project, rita: User) -> None:
    audit.record(project=project, actor=Actor(user=rita), action="thing.done", target="thing:1", count=3)
    for change in (
        lambda: AuditEntry.objects.update(action="other"),
        lambda: AuditEntry.objects.all().delete(),
        lambda: AuditEntry.objects.update(detail={}),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()
    rita.delete()
    entry = AuditEntry.objects.get()
    assert entry.user is None and entry.action == "thing.done" and entry.detail == {"count": 3}


def test_a_project_can_be_erased_with_its_log(project: Project) -> None:
    audit.record(project=project, actor=Actor(), action="thing.done")
    lineage.link(project=project, source=Node("run", "1"), target=Node("model", "2"))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set local whetstone.erasing = 'on'")
        project.delete()
    assert not AuditEntry.objects.exists() and not LineageEdge.objects.exists()


def test_descent_is_found_both_ways(project: Project) -> None:
    version, run, model, other = Node("dataset_version", "a"), Node("run", "b"), Node("model", "c"), Node("run", "a")
    for _ in range(2):
        lineage.link(project=project, source=version, target=run)
        lineage.link(project=project, source=run, target=model)
        lineage.link(project=project, source=other, target=model)
    assert lineage.descendants(project=project, source=version) == [run, model]
    assert lineage.ancestors(project=project, target=model) == [run, other, version]
    assert LineageEdge.objects.count() == 3
