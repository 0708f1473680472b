"""The values of traces that balances and mixes go by, and the topics that a mix names."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from django.db import connection
from django.utils import timezone

from curation.datasets.recipe import Recipe
from curation.datasets.selecting.candidates import Candidate, array
from curation.filters.compile import condition
from curation.filters.topics import effective
from curation.models import Topic, Trace
from curation.search.conditions import planned
from workspace.models import Project

NONE = ""
MOST_TOLD = 8
# a key with dots is looked for as it is, then as a path: as `meta.KEY` in filters
_META = """
    SELECT id, coalesce(metadata ->> %s, metadata #>> %s) FROM curation_trace WHERE id = ANY(%s)
"""

_SYNTHETIC = """
    SELECT id FROM curation_trace WHERE id = ANY(%s::bigint[]) AND metadata @> '{"synthetic": true}'
"""


def values(project: Project, found: Sequence[Candidate], field: str) -> dict[int, str]:
    """Trace -> its value of agent, model, env, task, topic or meta.KEY; "" where it has none. At most a few statements."""
    if field == "topic":
        return topics(project, [one.id for one in found])
    if field.startswith("meta."):
        key = field.removeprefix("meta.")
        with connection.cursor() as cursor:
            cursor.execute(_META, [key, key.split("."), [one.id for one in found]])
            return {trace: NONE if value is None else str(value) for trace, value in cursor.fetchall()}
    column = {"agent": "agent", "model": "model", "env": "environment", "task": "task_id"}[field]
    return {one.id: getattr(one, column) for one in found}


def topics(project: Project, traces: Sequence[int]) -> dict[int, str]:
    """Trace -> the slug of its topic as of now: the one it was given, else that of the first rule that matches; "" where
    it has none. Two statements; one where the project has no topics."""
    known = list(Topic.objects.filter(project=project))
    if not known:
        return {}
    slugs = {one.pk: one.slug for one in known}
    now = timezone.now()
    found = effective(known, lambda rule: condition(rule, now=now, search=planned(project.pk)))
    rows = Trace.objects.filter(id__in=list(traces)).annotate(about=found).values_list("id", "about")
    return {trace: slugs.get(about, NONE) for trace, about in rows}


def with_slugs(project: Project, recipe: Recipe) -> tuple[Recipe, list[tuple[str, str]]]:
    """The recipe with the topics of its mix by their slugs, and what is wrong with those that were named. A topic may be
    named as pages show it, in any case; a slug goes before a name."""
    if recipe.mix is None or recipe.mix.by != "topic" or not recipe.mix.weights:
        return recipe, []
    called: dict[str, list[str]] = defaultdict(list)
    known = list(Topic.objects.filter(project=project).order_by("slug").values_list("slug", "name"))
    for slug, name in known:
        called[name.casefold()].append(slug)
    slugs = {NONE, *(slug for slug, _ in known)}
    named: dict[str, str] = {}  # slug -> as it was typed
    weights, problems = [], []
    for typed, weight in recipe.mix.weights:
        found = [typed] if typed in slugs else called[typed.casefold()]
        told = ""
        if not found:
            told = f"there is no topic {typed!r} in this project; there are {some_of(slug for slug, _ in known)}"
        elif len(found) > 1:
            told = f"several topics are called {typed!r}: {some_of(found)}; say which"
        elif (other := named.setdefault(found[0], typed)) != typed:
            told = f"{other!r} and {typed!r} are the same topic"
        if told:
            problems.append((f"mix.weights.{typed}", told))
        else:
            weights.append((found[0], weight))
    return replace(recipe, mix=replace(recipe.mix, weights=tuple(sorted(weights)))), problems


def some_of(names: Iterable[str]) -> str:
    """The first names of those that are there, and how many more there are."""
    listed = sorted(names)
    more = f", and {len(listed) - MOST_TOLD:,} more" if len(listed) > MOST_TOLD else ""
    return (", ".join(listed[:MOST_TOLD]) or "none yet") + more


def synthetic(traces: Sequence[int]) -> set[int]:
    """Those of which the sender says that a model made them: `synthetic` is true in their metadata."""
    with connection.cursor() as cursor:
        cursor.execute(_SYNTHETIC, [array(traces)])
        return {row[0] for row in cursor.fetchall()}
