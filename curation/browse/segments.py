"""The few filters that everybody needs, as one choice above the list; and the way out of a list that is empty."""

from dataclasses import dataclass

from curation import filters
from curation.filters.text import conjuncts, write
from curation.filters.tree import conjunction
from curation.review import blind
from curation.search.conditions import planned
from workspace.models import Project, User

SEGMENTS = (
    ("All", ""),
    ("Unjudged", "judged:no"),
    ("Accepted", "judged:acceptable"),
    ("Rejected", "judged:unacceptable"),
    ("Errors", "error:yes"),
)
MOST_TRIED = 6


@dataclass(frozen=True, slots=True)
class Segment:
    """One of the choices: its name, the filter it leads to, whether it is chosen."""

    label: str
    text: str
    current: bool


def segments(query: filters.Query) -> list[Segment]:
    """The choices, each keeping the other conditions of `query`."""
    nodes = [filters.parse(text).tree for _, text in SEGMENTS]
    parts = conjuncts(query.tree)
    rest = tuple(part for part in parts if part not in nodes)
    chosen = [node for node in nodes if node is not None and node in parts]
    found = []
    for (label, _), node in zip(SEGMENTS, nodes, strict=True):
        wanted = rest if node is None else (*rest, node)
        current = not chosen if node is None else chosen == [node]
        found.append(Segment(label, write(conjunction(wanted)) if wanted else "", current))
    return found


def ways_out(*, project: Project, query: filters.Query, reader: User | None = None) -> list[filters.Chip]:
    """The conditions of an empty list that stand in the way: without any one of them there would be matches."""
    found = []
    for chip in query.chips()[:MOST_TRIED]:
        rest = filters.parse(chip.without)
        traces = blind.among(project=project, query=rest, reader=reader)
        if filters.apply(traces, rest, search=planned(project.pk)).exists():
            found.append(chip)
    return found
