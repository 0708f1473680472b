"""API tokens: `wst_` and 256 random bits. Only the SHA-256 digest is kept; the text is shown once."""

import hashlib
import secrets
from time import monotonic

from django.db import connection, transaction
from django.utils import timezone

from workspace import audit
from workspace.access import Actor
from workspace.models import ApiToken, Project, Role

_SECONDS, _MOST_KEPT = 10.0, 1000
_kept: dict[str, tuple[float, ApiToken]] = {}


def issue(*, project: Project, name: str, role: Role, actor: Actor) -> tuple[ApiToken, str]:
    """Make a token. Returns the row and the text, which cannot be had again."""
    text = "wst_" + secrets.token_urlsafe(32)
    with transaction.atomic():
        token = ApiToken.objects.create(
            project=project, name=name, role=role, prefix=text[:10], digest=digest(text), created_by=actor.user
        )
        audit.record(
            project=project, actor=actor, action="token.issued", target=f"token:{token.uid}", name=name, role=role
        )
    return token, text


def find(text: str) -> ApiToken | None:
    """The valid token with this text, its project loaded; None where it is unknown, revoked or expired.

    Notes when it was used, to the minute. The row is asked every time, in one short question; the objects are kept for
    some seconds, because senders come back thousands of times.
    """
    key = digest(text)
    sql = (
        f"SELECT id, role, last_used_at IS NULL OR last_used_at < now() - interval '1 minute' "  # noqa: S608
        f"FROM {ApiToken._meta.db_table} "
        "WHERE digest = %s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [key])
        row = cursor.fetchone()
    if row is None:
        _kept.pop(key, None)
        return None
    until, token = _kept.get(key, (0.0, None))
    if token is None or until < monotonic() or (token.pk, token.role) != row[:2]:
        token = ApiToken.objects.select_related("project").filter(pk=row[0]).first()
        if token is None:
            return None
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[key] = monotonic() + _SECONDS, token
    if row[2]:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=timezone.now())
    return token


def was_valid(text: str) -> bool:
    """Whether `find` found this token some seconds ago. It may have been revoked since: ask `find` before acting on it."""
    until, _ = _kept.get(digest(text), (0.0, None))
    return until > monotonic()


def revoke(*, token: ApiToken, actor: Actor) -> None:
    """End a token now; ending it twice changes nothing."""
    with transaction.atomic():
        if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
            audit.record(project=token.project, actor=actor, action="token.revoked", target=f"token:{token.uid}")


def digest(text: str) -> str:
    """SHA-256 as 64 hex digits. A slow hash would protect nothing: the text is random, not chosen."""
    return hashlib.sha256(text.encode()).hexdigest()
