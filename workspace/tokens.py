"""API tokens: `wst_` and 256 random bits. Only the SHA-256 digest is kept; the text is shown once."""

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from workspace import audit
from workspace.access import Actor
from workspace.models import ApiToken, Project, Role


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

    Notes when it was used, to the minute.
    """
    now = timezone.now()
    token = ApiToken.objects.select_related("project").filter(digest=digest(text), revoked_at=None).first()
    if token is None or (token.expires_at is not None and token.expires_at <= now):
        return None
    if token.last_used_at is None or now - token.last_used_at > timedelta(minutes=1):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def revoke(*, token: ApiToken, actor: Actor) -> None:
    """End a token now; ending it twice changes nothing."""
    with transaction.atomic():
        if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
            audit.record(project=token.project, actor=actor, action="token.revoked", target=f"token:{token.uid}")


def digest(text: str) -> str:
    """SHA-256 as 64 hex digits. A slow hash would protect nothing: the text is random, not chosen."""
    return hashlib.sha256(text.encode()).hexdigest()
