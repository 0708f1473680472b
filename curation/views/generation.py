"""Generating candidates: for which traces, by which model, at which temperatures, graded by what, at which price."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from curation import tasks
from curation.filters import FilterError
from curation.models import GraderVersion
from curation.scoring import generation
from curation.scoring.refused import Refused
from curation.views.traces import moment
from workspace.access import Entry, enter
from workspace.models import Connection, Role
from workspace.nudge import nudge
from workspace.pages import answer
from workspace.uuid7 import uuid7

FIELDS = ("q", "connection", "model", "temperatures", "candidates", "max_tokens", "sample", "seed")
MOST_TRACES = 1_000_000
# what the two ways to learn from answers ask for, side by side: (what, SFT, DPO)
WAYS = (
    ("Learns from", "one good answer", "a better and a worse answer"),
    ("Signal", "what to say", "what to say rather than what"),
    ("Speed", "fast: one pass over the rows", "slower: every row is scored four times"),
    ("Calls before training", "about none: answers and scores are there", "3 generations + 3 scorings for each trace"),
    ("Format", "messages", "input, preferred and non-preferred answer"),
    ("Best for", "a new form, a new skill, distilling", "tone, safety, and choosing between good and nearly good"),
)  # fmt: skip


class Wrong(ValueError):
    """A field that cannot be read."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


@dataclass(frozen=True, slots=True)
class Asked:
    """The form as it was typed, read."""

    query: str
    connection: Connection
    model: str
    temperatures: Sequence[float]
    candidates: int
    max_tokens: int
    sample: int | None
    seed: int | None
    graders: list[GraderVersion]

    def arguments(self) -> dict[str, Any]:
        """For `generation.price` and `generation.start`."""
        names = (
            "query",
            "connection",
            "model",
            "temperatures",
            "candidates",
            "max_tokens",
            "sample",
            "seed",
            "graders",
        )
        return {name: getattr(self, name) for name in names}


@require_http_methods(["GET", "POST"])
def candidates_new(request: HttpRequest, slug: str) -> HttpResponse:
    """The form, filled from the address; with `price` the price is worked out. POST starts what was priced."""
    entry = enter(request, slug, Role.ENGINEER)
    given = request.POST if request.method == "POST" else request.GET
    usable = _usable(entry)
    connections = list(Connection.objects.filter(project=entry.project).order_by("name"))
    context: dict[str, Any] = {
        "typed": _typed(given), "chosen": given.getlist("grader"), "graders": usable, "connections": connections,
        "ways": WAYS, "key": given.get("key") or uuid7().hex, "usual": _usual(connections),
    }  # fmt: skip
    if request.method == "GET" and "price" not in given:
        return answer(request, "curation/candidates_new.html", context)
    try:
        asked = _read(given, connections, usable)
        if request.method == "POST":
            return _start(request, entry, asked, context["key"])
        context |= _priced(entry, asked)
    except FilterError as error:
        context |= {"where": "q", "problem": str(error)}
    except (Refused, Wrong) as error:
        context |= {"where": "q" if error.field == "query" else error.field, "problem": error.reason}
        if error.field == "confirmed":
            # what it costs now is shown, so that it can be agreed to
            context |= _priced(entry, asked)
    return answer(request, "curation/candidates_new.html", context, status=422 if "problem" in context else 200)


def _start(request: HttpRequest, entry: Entry, asked: Asked, key: str) -> HttpResponse:
    until = moment(request.POST.get("until", ""))  # the price is as of one
    batch = generation.start(
        project=entry.project, actor=entry.actor, confirmed=request.POST.get("confirmed", ""), key=key, until=until,
        **asked.arguments(),
    )  # fmt: skip
    nudge(tasks.work_on_batch, batch.pk)
    return redirect("curation:batch", entry.project.slug, batch.uid)


def _priced(entry: Entry, asked: Asked) -> dict[str, Any]:
    until: datetime = timezone.now()
    wanted = {name: value for name, value in asked.arguments().items() if name != "query"}
    price = generation.price(project=entry.project, query=asked.query, until=until, **wanted)
    each = len(asked.graders)
    return {
        "price": price, "asked": asked, "until": until.isoformat(), "per_trace": price.items // max(1, price.traces),
        "scorings": price.items * each, "judged": [one for one in asked.graders if one.connection is not None],
    }  # fmt: skip


def _usable(entry: Entry) -> list[GraderVersion]:
    """The newest confirmed version of every grader in use, by name."""
    found = GraderVersion.objects.filter(grader__project=entry.project, grader__archived_at=None)
    found = found.exclude(confirmed_at=None).select_related("grader__project", "connection")
    newest = found.order_by("grader_id", "-number").distinct("grader_id")
    return sorted(newest, key=lambda one: one.grader.name)


def _typed(given: QueryDict) -> dict[str, str]:
    return {name: str(given[name]).strip() for name in FIELDS if name in given}


def _usual(connections: list[Connection]) -> dict[str, str]:
    return {
        "temperatures": ", ".join(f"{one:g}" for one in generation.TEMPERATURES), "candidates": str(generation.CANDIDATES),
        "max_tokens": str(generation.USUAL_TOKENS), "connection": str(connections[0].uid) if connections else "",
    }  # fmt: skip


def _read(given: QueryDict, connections: list[Connection], usable: list[GraderVersion]) -> Asked:
    """The form, checked for what is no number or not there; what the numbers may be is checked by the work. Raises Wrong."""
    chosen = given.getlist("grader")
    unknown = [name for name in chosen if name not in {str(one.uid) for one in usable}]
    if unknown:
        raise Wrong("graders", "One of the graders was changed or archived since: choose again.")
    connection = next((one for one in connections if str(one.uid) == given.get("connection")), None)
    if connection is None:
        raise Wrong("connection", "Choose a connection of this project.")
    temperatures = [_decimal(one, "temperatures") for one in given.get("temperatures", "").split(",") if one.strip()]
    sample, seed = given.get("sample", "").strip(), given.get("seed", "").strip()
    return Asked(
        query=given.get("q", "").strip(),
        connection=connection,
        model=given.get("model", "").strip(),
        temperatures=temperatures or generation.TEMPERATURES,
        candidates=_whole(given.get("candidates") or generation.CANDIDATES, "candidates"),
        max_tokens=_whole(given.get("max_tokens") or generation.USUAL_TOKENS, "max_tokens"),
        sample=_whole(sample, "sample") if sample else None,
        seed=_whole(seed, "seed") if seed else None,
        graders=[one for one in usable if str(one.uid) in chosen],
    )


def _decimal(value: str, field: str) -> float:
    try:
        return float(value.strip())
    except ValueError:
        raise Wrong(field, f"{value.strip()[:40]!r} is no number.") from None


def _whole(value: Any, field: str) -> int:
    try:
        found = int(str(value).strip())
    except ValueError:
        raise Wrong(field, f"{str(value).strip()[:40]!r} is no whole number.") from None
    if field == "sample" and not 1 <= found <= MOST_TRACES:
        raise Wrong(field, f"A whole number from 1 to {MOST_TRACES:,} is needed.")
    return found
