"""What came from what, across the floors. Edges are only added; each floor writes its own.

Kinds: dataset_version, run, checkpoint, model, suite, evaluation, comparison, deployment. Ids are the outside ids.
"""

from dataclasses import dataclass

from workspace.models import LineageEdge, Project


@dataclass(frozen=True, slots=True)
class Node:
    """One thing in the lineage."""

    kind: str
    id: str


def link(*, project: Project, source: Node, target: Node) -> None:
    """Write that `target` came from `source`. Saying it twice changes nothing."""
    LineageEdge.objects.get_or_create(
        project=project,
        source_kind=source.kind,
        source_id=source.id,
        target_kind=target.kind,
        target_id=target.id,
    )


def descendants(*, project: Project, source: Node) -> list[Node]:
    """All that came from `source`, nearest first, each once. One query per generation."""
    return _walk(project, source, forward=True)


def ancestors(*, project: Project, target: Node) -> list[Node]:
    """All that `target` came from, nearest first, each once. One query per generation."""
    return _walk(project, target, forward=False)


def _walk(project: Project, start: Node, *, forward: bool) -> list[Node]:
    here, there = ("source", "target") if forward else ("target", "source")
    found: dict[Node, None] = {}
    generation = [start]
    while generation:
        edges = LineageEdge.objects.filter(
            project=project,
            **{f"{here}_kind__in": {n.kind for n in generation}, f"{here}_id__in": [n.id for n in generation]},
        ).order_by("id")
        wanted = set(generation)
        reached = [
            Node(getattr(edge, f"{there}_kind"), getattr(edge, f"{there}_id"))
            for edge in edges
            if Node(getattr(edge, f"{here}_kind"), getattr(edge, f"{here}_id")) in wanted
        ]
        generation = [node for node in dict.fromkeys(reached) if node not in found and node != start]
        found.update(dict.fromkeys(generation))
    return list(found)
