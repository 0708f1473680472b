"""Tokens are shown once, kept as digests, and end when they should."""

from datetime import timedelta

from django.utils import timezone

from workspace import tokens
from workspace.access import Actor
from workspace.models import ApiToken, AuditEntry, Project, Role


def test_a_token_is_kept_as_a_digest_only(project: Project) -> None:
    row, text = tokens.issue(project=project, name="collector", role=Role.REVIEWER, actor=Actor())
    assert text not in str(ApiToken.objects.values().get()) and row.prefix == text[:10]
    assert tokens.find(text) == row
    assert tokens.find(text + "x") is None and tokens.find("") is None
    assert AuditEntry.objects.get().action == "token.issued"


def test_revoked_and_expired_tokens_open_nothing(project: Project) -> None:
    row, text = tokens.issue(project=project, name="collector", role=Role.REVIEWER, actor=Actor())
    tokens.revoke(token=row, actor=Actor())
    tokens.revoke(token=row, actor=Actor())
    assert tokens.find(text) is None
    assert AuditEntry.objects.filter(action="token.revoked").count() == 1
    row, text = tokens.issue(project=project, name="short", role=Role.REVIEWER, actor=Actor())
    ApiToken.objects.filter(pk=row.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert tokens.find(text) is None


def test_use_is_noted_to_the_minute(project: Project, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    _, text = tokens.issue(project=project, name="collector", role=Role.REVIEWER, actor=Actor())
    with django_assert_num_queries(3):  # is it valid, what is it, note that it was used
        tokens.find(text)
    with django_assert_num_queries(1):
        tokens.find(text)
