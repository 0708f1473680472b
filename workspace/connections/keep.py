"""Connections as rows: add, replace the key, try."""

from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from workspace import audit
from workspace.access import SYSTEM, Actor
from workspace.connections import client, secrets
from workspace.connections.guard import NotAllowed, check
from workspace.models import Connection, Project

__all__ = ["NotAllowed", "add", "change", "probe", "replace_key", "set_budget"]

FIELDS = ("name", "base_url", "default_model", "allow_private_host", "max_concurrency", "budget_usd")


def add(*, project: Project, fields: dict[str, Any], key: str, prices: dict[str, Any], actor: Actor) -> Connection:
    """Keep an endpoint. Raises NotAllowed where its address may not be called or its name is taken.

    A private address opens the network that the server stands in, and anybody may make a project and administer it: so
    only an administrator of the whole installation (or the system itself) may allow one.
    """
    is_installer = actor == SYSTEM or (actor.user is not None and actor.user.is_superuser)
    if fields["allow_private_host"] and not is_installer:
        raise NotAllowed(
            "allow_private_host", "Only an administrator of this installation can allow a private address."
        )
    check(fields["base_url"], allow_private=fields["allow_private_host"])
    try:
        with transaction.atomic():
            connection = Connection.objects.create(
                project=project,
                key_encrypted=secrets.encrypt(key),
                prices=prices,
                **{name: fields[name] for name in FIELDS},
            )
            audit.record(
                project=project, actor=actor, action="connection.added", target=f"connection:{connection.uid}",
                name=connection.name, base_url=connection.base_url,
            )  # fmt: skip
    except IntegrityError:
        raise NotAllowed("name", "A connection has this name already.") from None
    return connection


def change(*, connection: Connection, fields: dict[str, Any], prices: dict[str, Any], actor: Actor) -> None:
    """Change its default model, how many calls at once, its budget and its prices."""
    with transaction.atomic():
        for name in ("default_model", "max_concurrency", "budget_usd"):
            setattr(connection, name, fields[name])
        connection.prices = prices
        connection.save(update_fields=["default_model", "max_concurrency", "budget_usd", "prices"])
        budget = connection.budget_usd
        audit.record(
            project=connection.project, actor=actor, action="connection.changed", target=f"connection:{connection.uid}",
            name=connection.name, budget_usd=None if budget is None else str(budget), prices=prices,
            default_model=connection.default_model, max_concurrency=connection.max_concurrency,
        )  # fmt: skip


def set_budget(*, project: Project, budget_usd: Decimal | None, actor: Actor) -> None:
    """What all connections of the project may spend together; None: no cap."""
    with transaction.atomic():
        project.budget_usd = budget_usd
        project.save(update_fields=["budget_usd"])
        audit.record(
            project=project, actor=actor, action="project.budget_set", target=f"project:{project.slug}",
            budget_usd=None if budget_usd is None else str(budget_usd),
        )  # fmt: skip


def replace_key(*, connection: Connection, key: str, actor: Actor) -> None:
    """Write another key over the old one; an empty one removes it."""
    with transaction.atomic():
        connection.key_encrypted = secrets.encrypt(key)
        connection.save(update_fields=["key_encrypted"])
        audit.record(
            project=connection.project,
            actor=actor,
            action="connection.key_replaced",
            target=f"connection:{connection.uid}",
        )


def probe(*, connection: Connection) -> tuple[bool, str]:
    """Ask for the list of models. Returns whether it answered, and a sentence."""
    try:
        names = client.models(connection=connection)
    except client.ConnectionFailed as error:
        return False, str(error)
    return True, f"It answers, with {len(names)} model{'s' if len(names) != 1 else ''}: {', '.join(names[:5])}" + (
        f" and {len(names) - 5} more." if len(names) > 5 else "."
    )
