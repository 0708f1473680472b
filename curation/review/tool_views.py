"""Which view each tool of a project gets: stored with the project, tried on calls that were really made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Count, QuerySet

from curation.messages.form import Document
from curation.messages.measure import steps_of
from curation.models import Step, Trace, TraceRevision
from curation.review import chosen, transcript
from curation.review.blocks import Block
from curation.review.chosen import VIEWS, Wish
from curation.review.invalid import Invalid, check_text
from curation.review.parts import every
from workspace import audit
from workspace.access import Actor
from workspace.models import Project

RECENT = 500  # traces whose calls are counted and shown, the newest
TRIED = 30  # documents that are read to say how tools are drawn by themselves
MOST_TOOLS = 1_000  # choices that a project keeps
NAME = 200


@dataclass(slots=True)
class Tool:
    """A tool that was called lately, or that has a choice. `calls` in the newest RECENT traces; `automatic` names the view
    that its newest call gets by itself, "" where none was looked at."""

    name: str
    calls: int
    wish: Wish
    automatic: str = ""

    @property
    def view(self) -> str:
        """The name of the view that was chosen; "" for the automatic one."""
        return VIEWS[self.wish.view][0] if self.wish.view else ""


@dataclass(slots=True)
class Sample:
    """A call that was really made, as a card of the run. `arguments` are the names of its arguments, `automatic` the view it
    gets by itself; `number` counts the newest as 1, `more` says whether there is an older one."""

    trace: Trace
    card: Block
    automatic: str
    number: int
    more: bool
    arguments: list[str] = field(default_factory=list)

    @property
    def instead(self) -> str:
        """Why it is not drawn as chosen; "" where it is."""
        return self.card.drawn.instead if self.card.drawn is not None else ""


def wishes(project: Project) -> Mapping[str, Wish]:
    """What a project chose, by tool; what is not known any more is left out."""
    found = {}
    for tool, kept in project.tool_views.items():
        view, headline = (kept.get("view", ""), kept.get("headline", "")) if isinstance(kept, dict) else ("", "")
        wish = Wish(view if view in VIEWS else "", headline if isinstance(headline, str) else "")
        if wish != Wish():
            found[tool] = wish
    return found


def choose(*, project: Project, actor: Actor, tool: str, wish: Wish) -> bool:
    """Store how the calls of a tool are drawn; an empty wish leaves it to the automatic view again. Returns whether that
    changed anything. Raises Invalid."""
    check_text("tool", tool, most=NAME)
    check_text("headline", wish.headline, most=NAME)
    if not tool:
        raise Invalid("tool", "is missing")
    if wish.view and wish.view not in VIEWS:
        raise Invalid("view", f"must be one of {', '.join(VIEWS)}, or empty; got {wish.view[:40]!r}")
    with transaction.atomic():
        row = Project.objects.select_for_update().get(pk=project.pk)
        before = dict(row.tool_views)
        after = {name: kept for name, kept in before.items() if name != tool}
        if wish != Wish():
            after[tool] = {"view": wish.view, "headline": wish.headline}
        if len(after) > MOST_TOOLS:
            raise Invalid("tool", f"is one too many: a project keeps choices for {MOST_TOOLS:,} tools")
        if after == before:
            return False
        row.tool_views = project.tool_views = after
        row.save(update_fields=["tool_views"])
        audit.record(
            project=project, actor=actor, action="tool.view_chosen", target=f"tool:{tool}",
            view=wish.view or "automatic", headline=wish.headline, before=before.get(tool),
        )  # fmt: skip
    return True


def list_tools(*, project: Project) -> list[Tool]:
    """The tools of the newest RECENT traces, the most called first, and those that have a choice and no call there."""
    wanted = wishes(project)
    steps = _recent(project)
    counted = steps.values("tool").annotate(calls=Count("pk")).order_by("-calls", "tool")
    tools = [Tool(row["tool"], row["calls"], wanted.get(row["tool"], Wish())) for row in counted]
    called = {tool.name for tool in tools}
    tools += [Tool(name, 0, wish) for name, wish in sorted(wanted.items()) if name not in called]
    automatic = _automatic(steps)
    for tool in tools:
        tool.automatic = automatic.get(tool.name, "")
    return tools


def sample(*, project: Project, tool: str, wish: Wish, number: int = 1) -> Sample | None:
    """The newest call of a tool (`number` 2: the one before it) drawn as `wish` says; None where there is none lately."""
    rows = _recent(project).filter(tool=tool).order_by("-revision", "-position")
    found = list(rows.values_list("revision", "key")[number - 1 : number + 1])
    if not found:
        return None
    revision, key = found[0]
    trace = Trace.objects.select_related("revision").defer("metadata").get(project=project, revision=revision)
    document: Document = trace.revision.document if trace.revision is not None else {"conversations": []}
    card, plain = (_card(document, key, {tool: one}) for one in (wish, Wish()))
    if card is None or plain is None or plain.drawn is None:
        return None
    call = next((step for step in steps_of(document) if step.key == key), None)
    names: list[str] = []
    if call is not None and call.call is not None:
        message = document["conversations"][call.conversation]["messages"][call.message]
        names = list(chosen.Call(message["tool_calls"][call.call]["arguments"], None, False).asked)
    card.key = ""  # nobody judges a step here
    return Sample(trace, card, chosen.kind_of(plain.drawn), number, len(found) > 1, names)


def _recent(project: Project) -> "QuerySet[Step]":
    newest = Trace.objects.filter(project=project).order_by("-received_at", "-id").values("revision")[:RECENT]
    return Step.objects.filter(revision__in=newest, kind=Step.Kind.TOOL).exclude(tool="")


def _automatic(steps: "QuerySet[Step]") -> dict[str, str]:
    """The automatic view of each tool's newest call, as far as at most TRIED documents hold them."""
    newest = steps.order_by("tool", "-revision", "-position").distinct("tool").values_list("tool", "revision", "key")
    wanted: dict[int, list[tuple[str, str]]] = {}
    for tool, revision, key in newest:
        wanted.setdefault(revision, []).append((tool, key))
    most = sorted(wanted, key=lambda revision: -len(wanted[revision]))[:TRIED]
    found = {}
    for revision, document in TraceRevision.objects.filter(pk__in=most).values_list("pk", "document").iterator():
        cards = _cards(document, [key for _, key in wanted[revision]], {})
        for tool, key in wanted[revision]:
            drawn = cards[key].drawn if key in cards else None
            if drawn is not None:
                found[tool] = chosen.kind_of(drawn)
    return found


def _card(document: Document, key: str, wanted: Mapping[str, Wish]) -> Block | None:
    return _cards(document, [key], wanted).get(key)


def _cards(document: Document, keys: Iterable[str], wanted: Mapping[str, Wish]) -> dict[str, Block]:
    """The cards of calls, by the keys of their steps. A call stacked on the same one before it has that one's."""
    parts = transcript.read(document, wishes=wanted).parts
    cards = {block.anchor: block for part in parts for block in every(part.blocks) if block.kind == "call"}
    newest: dict[str, Block] = {}
    found = {}
    asked = set(keys)
    for step in steps_of(document):
        if step.key in cards:
            newest[step.tool] = cards[step.key]
        if step.key in asked and step.tool in newest:
            found[step.key] = newest[step.tool].finish()
    return found
