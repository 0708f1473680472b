"""What happened, as a page: whatever an act wrote down about itself."""

from collections.abc import Callable

import pytest
from django.test import Client

from curation.review import queues
from tests import make
from workspace import audit
from workspace.access import Actor
from workspace.models import Project, User


@pytest.mark.django_db
def test_details_with_any_key_are_shown(project: Project, ada: User, as_user: Callable[[User], Client]) -> None:
    """A key called "items" once hid the method of that name from the template, and the page failed."""
    make.trace(project)
    queues.create(project=project, actor=Actor(user=ada), name="Late", query="agent:support")
    audit.record(project=project, actor=Actor(user=ada), action="x.y", target="t", items=[1], keys="k", values=2)
    page = as_user(ada).get("/p/acme/settings/audit/")
    assert page.status_code == 200 and b"items 1" in page.content and b"values 2" in page.content
