"""Privacy: what personal data was found, what a project does about it, and forgetting a person."""

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.db import OperationalError, connection, transaction
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from config.forget import forget_person
from curation.forget import retention
from curation.forget.person import NotASubject, Subject, counts_of, erasures, holdings
from curation.models import PersonalData
from curation.privacy import names, rules, scan
from curation.privacy.patterns import KINDS
from workspace.access import Entry, enter
from workspace.models import Role

LOOK_MS = 20_000


@require_GET
def privacy(request: HttpRequest, slug: str) -> HttpResponse:
    """What was found, the rules, and past erasures."""
    entry = enter(request, slug, Role.ENGINEER)
    return _page(request, entry)


@require_POST
def privacy_rules(request: HttpRequest, slug: str) -> HttpResponse:
    """Store the rules. Where they delete traces, they are shown first how many and have to be sent again."""
    entry = enter(request, slug, Role.ADMIN)
    try:
        wanted = rules.Rules(
            redact=frozenset(request.POST.getlist("redact")),
            look="look" in request.POST,
            keep_days=_number(request.POST.get("keep_days", ""), "Days"),
            keep_most=_number(request.POST.get("keep_most", ""), "At most"),
        )
        limits = replace(rules.read(entry.project.pk), redact=wanted.redact, look=wanted.look)
        # agreed was to these very numbers; others are counted and asked about again
        if wanted != limits and request.POST.get("confirmed") != _limits(wanted):
            due = retention.due(project=entry.project, rules=wanted)
            if due.traces:
                return _page(request, entry, status=409, wanted=wanted, due=due, limits=_limits(wanted))
        rules.change(project=entry.project, actor=entry.actor, rules=wanted)
    except rules.NotARule as error:
        return _page(request, entry, status=422, rule_error=str(error), typed=request.POST)
    messages.success(request, f"Saved. Every process knows it within {rules.SECONDS:.0f} seconds.")
    return redirect("privacy", slug)


def _limits(wanted: rules.Rules) -> str:
    """What the rules delete by, as the button that agrees to it carries it."""
    return f"{wanted.keep_days}/{wanted.keep_most}"


@require_POST
def privacy_forget(request: HttpRequest, slug: str) -> HttpResponse:
    """Look for a person (`do` is look), or erase what is there of them (`do` is forget)."""
    entry = enter(request, slug, Role.ADMIN)
    texts = tuple(dict.fromkeys(line.strip() for line in request.POST.get("texts", "").splitlines() if line.strip()))
    subject = Subject(user_id=request.POST.get("user", "").strip(), texts=texts)
    try:
        if request.POST.get("do") != "forget":
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout = %s", [LOOK_MS])
                found = counts_of(holdings(project=entry.project, subject=subject))
            return _page(request, entry, subject=subject, found=found)
        erasure = forget_person(project=entry.project, actor=entry.actor, subject=subject)
    except NotASubject as error:
        return _page(request, entry, status=422, subject=subject, person_error=f"{error}.")
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != "57014":
            raise
        said = (
            f"Looking through this project takes longer than {LOOK_MS // 1000} s. "
            "Use manage.py forget_person on the server, which waits."
        )
        return _page(request, entry, status=422, subject=subject, person_error=said)
    gone = ", ".join(f"{count:,} {name}" for name, count in erasure.counts.items()) or "nothing was found"
    messages.success(request, f"Forgotten: {gone}.")
    return redirect("privacy", slug)


def _number(text: str, name: str) -> int | None:
    plain = text.strip().replace(",", "").replace(" ", "")
    if not plain:
        return None
    if not plain.isascii() or not plain.isdigit() or len(plain) > 12:
        raise rules.NotARule(f"{name}: {text[:40]!r} is no whole number from 0 to 999,999,999,999")
    return int(plain)


def _page(request: HttpRequest, entry: Entry, *, status: int = 200, **more: Any) -> HttpResponse:
    project = entry.project
    current = more.get("wanted") or rules.read(project.pk)
    found = (
        PersonalData.objects.filter(project=project, dismissed_at=None)
        .values("kind")
        .annotate(traces=Count("trace", distinct=True), times=Sum("count"))
    )
    by_kind = {row["kind"]: row for row in found}
    kinds = [
        {
            "name": name, "label": label, "redact": name in current.redact, "can_be_replaced": name in KINDS,
            **by_kind.get(name, {"traces": 0, "times": 0}),
        }
        for name, label in names.kinds().items()
    ]  # fmt: skip
    context = {
        "kinds": kinds,
        "finds_names": names.is_plugged_in(),
        "rules": current,
        "lag": scan.lag(project_id=project.pk),
        "now_due": retention.due(project=project),
        "erasures": erasures(project=project),
        "is_admin": entry.may(Role.ADMIN),
        **more,
    }
    return render(request, "curation/privacy.html", {**context, "project": project}, status=status)
