"""What a user of the agent, or another program, thought of a trace."""

from collections.abc import Mapping, Sequence

from django.db import transaction

from curation.models import Feedback, Trace
from curation.review.invalid import Invalid
from workspace import audit
from workspace.access import Actor

TEXT_LIMIT = 20_000


def add(
    *,
    trace: Trace,
    actor: Actor,
    author: str = "",
    rating: int | None = None,
    aspects: Mapping[str, int] | None = None,
    comments: str = "",
    suggested_tools: Sequence[str] = (),
    suggested_response: str = "",
) -> Feedback:
    """Store feedback; at least one of rating, aspects, comments, suggested tools and suggested response must be said.

    `rating` and each aspect go from 1 to 5. `author` names who said it where a program passes it on. Raises Invalid.
    """
    aspects = dict(aspects or {})
    if rating is not None and not 1 <= rating <= 5:
        raise Invalid("rating", f"must be a whole number from 1 to 5; got {rating}")
    for name, value in aspects.items():
        if not name or len(name) > 100:
            raise Invalid("aspects", "has a name that is empty or longer than 100 characters")
        if not 1 <= value <= 5:
            raise Invalid(f"aspects.{name}", f"must be a whole number from 1 to 5; got {value}")
    for label, text in (("comments", comments), ("suggested_response", suggested_response)):
        if len(text) > TEXT_LIMIT:
            raise Invalid(label, f"has {len(text):,} characters; at most {TEXT_LIMIT:,} are kept")
        if "\x00" in text:
            raise Invalid(label, "contains a NUL character")
    if rating is None and not (aspects or comments or suggested_tools or suggested_response):
        raise Invalid(
            "rating", "or something else must be said: aspects, comments, suggested_tools, suggested_response"
        )
    with transaction.atomic():
        made = Feedback.objects.create(
            project_id=trace.project_id, trace=trace, author=(author or actor.label)[:200], rating=rating,
            aspects=aspects, comments=comments, suggested_tools=list(suggested_tools),
            suggested_response=suggested_response,
        )  # fmt: skip
        audit.record(
            project=trace.project,
            actor=actor,
            action="feedback.added",
            target=f"trace:{trace.uid}",
            feedback=str(made.uid),
        )
    return made
