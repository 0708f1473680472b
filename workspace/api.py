"""Workspace's operations of the API, below /api/projects/{slug}/."""

from datetime import datetime

from django.http import HttpRequest
from ninja import Path, Router, Schema

from workspace.access import enter
from workspace.models import Role

router = Router(tags=["project"])


class ProjectOut(Schema):
    """The project a token belongs to, and what the caller may do there."""

    slug: str
    name: str
    is_demo: bool
    role: Role
    created_at: datetime


@router.get("", response=ProjectOut, summary="The project and your role in it")
def project(request: HttpRequest, slug: Path[str]) -> dict[str, object]:
    entry = enter(request, slug, Role.REVIEWER)
    there = entry.project
    return {
        "slug": there.slug,
        "name": there.name,
        "is_demo": there.is_demo,
        "role": entry.role,
        "created_at": there.created_at,
    }
