"""What a user of the agent, or another program, thought of a trace."""

from dataclasses import dataclass, field

from django.db import transaction

from curation.models import Feedback, Trace
from curation.review.invalid import Invalid, check_text
from workspace import audit
from workspace.access import Actor

TEXT_LIMIT = 20_000
MOST_TOOLS = 100
MOST_ASPECTS = 50
Outcome = str  # created, unchanged
_SAID = ("rating", "aspects", "comments", "suggested_tools", "suggested_response")


@dataclass(frozen=True, slots=True)
class Opinion:
    """Feedback as it was sent. `rating` and each aspect go from 1 to 5. `author` names who said it where a program
    passes it on."""

    rating: int | None = None
    aspects: dict[str, int] = field(default_factory=dict)
    comments: str = ""
    suggested_tools: list[str] = field(default_factory=list)
    suggested_response: str = ""
    author: str = ""


def check(opinion: Opinion) -> None:
    """Raise Invalid, naming the field, for what cannot be stored; at least one thing must be said."""
    if opinion.rating is not None and not 1 <= opinion.rating <= 5:
        raise Invalid("rating", f"must be a whole number from 1 to 5; got {opinion.rating}")
    if len(opinion.aspects) > MOST_ASPECTS:
        raise Invalid("aspects", f"has {len(opinion.aspects)} entries; at most {MOST_ASPECTS} are kept")
    for name, value in opinion.aspects.items():
        if not name:
            raise Invalid("aspects", "has a name that is empty")
        check_text("aspects", name, most=100)
        if not 1 <= value <= 5:
            raise Invalid(f"aspects.{name}", f"must be a whole number from 1 to 5; got {value}")
    for label in ("comments", "suggested_response"):
        check_text(label, getattr(opinion, label), most=TEXT_LIMIT)
    check_text("author", opinion.author, most=200)
    if len(opinion.suggested_tools) > MOST_TOOLS:
        raise Invalid("suggested_tools", f"has {len(opinion.suggested_tools)} entries; at most {MOST_TOOLS} are kept")
    for name in opinion.suggested_tools:
        check_text("suggested_tools", name, most=200)
    if opinion.rating is None and not any(getattr(opinion, name) for name in _SAID):
        raise Invalid(
            "rating", "or something else must be said: aspects, comments, suggested_tools, suggested_response"
        )


def add(*, trace: Trace, actor: Actor, opinion: Opinion, author: str = "") -> tuple[Feedback, Outcome]:
    """Store checked feedback. The same words of the same author about the same trace are one feedback, however often
    they are sent. Returns the row and created or unchanged."""
    said = {name: getattr(opinion, name) for name in _SAID}
    by = (opinion.author or author or actor.label)[:200]
    with transaction.atomic():
        Trace.objects.select_for_update(of=("self",)).only("pk").get(pk=trace.pk)  # the same sent twice at once waits
        for before in Feedback.objects.filter(trace=trace, author=by, rating=opinion.rating):
            if all(getattr(before, name) == said[name] for name in _SAID):
                return before, "unchanged"
        made = Feedback.objects.create(project_id=trace.project_id, trace=trace, author=by, **said)
        audit.record(
            project=trace.project,
            actor=actor,
            action="feedback.added",
            target=f"trace:{trace.uid}",
            feedback=str(made.uid),
        )
    return made, "created"
