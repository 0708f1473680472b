"""What the frame around every page needs: where we are, who we are, where we may go."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from workspace.access import Entry
from workspace.models import Role


@dataclass(frozen=True, slots=True)
class Place:
    """One line of the navigation."""

    name: str
    url_name: str
    icon: str
    key: str
    needs: Role = Role.REVIEWER
    also: tuple[str, ...] = ()  # pages that belong to it and lie elsewhere


NAVIGATION: tuple[tuple[str, tuple[Place, ...]], ...] = (
    (
        "Curate",
        (
            Place("Traces", "curation:traces", "traces", "t"),
            Place("Review", "curation:review", "review", "r"),
            Place("Pairs", "curation:pairs", "pairs", "p"),
            Place("Mentions", "curation:mentions", "answer", "n"),
            Place("Graders", "curation:graders", "check", "e"),
            Place("Topics", "curation:topics", "outline", "b"),
            Place("Datasets", "curation:datasets", "data", "d", also=("curation:validate",)),
            Place("Charts", "curation:charts", "chart", "h"),
        ),
    ),
    (
        "Train",
        (Place("Runs", "training:runs", "run", "u"), Place("Models", "training:models", "model", "m")),
    ),
    (
        "Evaluate",
        (
            Place("Comparisons", "evaluation:comparisons", "compare", "c"),
            Place("Over time", "evaluation:over-time", "time", "o"),
        ),
    ),
    ("Project", (Place("Settings", "workspace:settings", "gear", "s", also=("privacy",)),)),
)


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `entry`, `project`, `navigation` (groups of links, the current one marked), `place_name` (the name
    of the current one, "" where there is none), `theme`."""
    entry: Entry | None = getattr(request, "entry", None)
    theme = request.COOKIES.get("theme", "")
    context: dict[str, Any] = {"theme": theme if theme in ("light", "dark") else "", "entry": entry}
    if entry is not None:
        context["project"] = entry.project
        context["navigation"] = [
            (group, [_link(place, entry, request.path) for place in places if entry.may(place.needs)])
            for group, places in NAVIGATION
        ]
        links = [link for _, group in context["navigation"] for link in group]
        context["place_name"] = next((link["place"].name for link in links if link["current"]), "")
    return context


def _link(place: Place, entry: Entry, path: str) -> dict[str, Any]:
    address, *others = (_address(name, entry) for name in (place.url_name, *place.also))
    current = any(one and path.startswith(one) for one in (address, *others))
    return {"place": place, "url": address, "current": current}


def _address(name: str, entry: Entry) -> str:
    try:
        return reverse(name, args=[entry.project.slug])
    except NoReverseMatch:
        return ""
