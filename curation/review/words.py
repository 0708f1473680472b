"""What people and graders said of a trace, as the review page shows it. Where the reader must answer first, only their
own words are kept."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import JSONObject

from curation.messages.form import final_answer, text_of
from curation.models import Comment, Correction, Feedback, Judgment, Score, StepVerdict
from curation.review import blind, diff
from curation.review.shown import markdown
from workspace.models import User

SCORES = 100
JUDGMENTS = 50


@dataclass(slots=True)
class Opinion:
    """One standing judgment as the page shows it."""

    uid: str
    author: str
    verdict: str
    rating: int | None
    note: str
    at: datetime
    own: bool
    stale: bool


@dataclass(slots=True)
class Measured:
    """One score as text: `good` says whether it passed, None where it has no gate."""

    name: str
    value: str
    good: bool | None
    reason: str
    source: str
    author: str


@dataclass(slots=True)
class Edited:
    """A standing correction of the final answer."""

    author: str
    own: bool
    text: str
    rendered: str
    changes: diff.Diff
    stale: bool


@dataclass(slots=True)
class Words:
    """All of it. `hidden` counts judgments of others that are kept back because the reader answers first."""

    opinions: list[Opinion]
    scores: list[Measured]
    edited: Edited | None
    feedback: list[dict[str, Any]]
    is_blind: bool
    hidden: int


def with_words(rows: "QuerySet[Any]", user: User | None, prefix: str) -> "QuerySet[Any]":
    """Add what people and graders said of the trace, as JSON arrays of the same query."""
    trace, revision = OuterRef(f"{prefix}pk"), OuterRef(f"{prefix}revision")
    if prefix:
        trace = OuterRef("trace_id")
    words = JSONObject(
        uid="uid", author="author", verdict="verdict", rating="rating", note="note", at="created_at", user="user_id",
        revision="revision_id",
    )  # fmt: skip
    scored = JSONObject(
        name="name", number="number", low="low", high="high", boolean="boolean", category="category", passed="passed",
        reason="reason", source="source", author="author",
    )  # fmt: skip
    edits = JSONObject(author="author", user="user_id", answer=KT("messages__-1"), revision="revision_id", id="id")
    told = JSONObject(author="author", rating="rating", aspects="aspects", comments="comments", at="created_at",
                      response="suggested_response", tools="suggested_tools")  # fmt: skip
    standing = {"trace": trace, "withdrawn_at": None}
    found: QuerySet[Any] = rows.annotate(
        judged=ArraySubquery(Judgment.objects.filter(**standing).order_by("-id").values(json=words)[:JUDGMENTS]),
        steps_judged=ArraySubquery(
            StepVerdict.objects.filter(revision=revision, user=user).values(
                json=JSONObject(key="step_key", value="value")
            )
        ),
        scored=ArraySubquery(Score.objects.filter(trace=trace).order_by("name", "-id").values(json=scored)[:SCORES]),
        edits=ArraySubquery(Correction.objects.filter(**standing).order_by("-id").values(json=edits)[:20]),
        told=ArraySubquery(Feedback.objects.filter(trace=trace).order_by("-id").values(json=told)[:50]),
        discussed=Exists(Comment.objects.filter(**standing).order_by()),
        blind=blind.waits_blind(trace),
    )
    return found


def words_of(row: Any, *, user: User | None, revision: int | None, answer: str, blind: bool) -> Words:
    """Read what `with_words` added to a row. With `blind`, what others said and measured is left out until this person
    has judged the revision with the id `revision`."""
    own = user.pk if user is not None else None
    opinions = [_opinion(one, own, revision) for one in row.judged]
    shut = blind and not any(one.own and not one.stale for one in opinions)
    edits = [one for one in row.edits if not shut or one["user"] == own]
    return Words(
        opinions=[one for one in opinions if not shut or one.own],
        scores=[] if shut else [_measured(one) for one in row.scored],
        edited=_edited(edits, own, revision, answer),
        feedback=[] if shut else [{**one, "at": datetime.fromisoformat(one["at"])} for one in row.told],
        is_blind=shut,
        hidden=sum(not one.own for one in opinions) if shut else 0,
    )


def _opinion(one: dict[str, Any], own: int | None, revision: int | None) -> Opinion:
    return Opinion(
        uid=one["uid"], author=one["author"], verdict=one["verdict"], rating=one["rating"], note=one["note"],
        at=datetime.fromisoformat(one["at"]), own=own is not None and one["user"] == own, stale=one["revision"] != revision,
    )  # fmt: skip


def _measured(one: dict[str, Any]) -> Measured:
    if one["number"] is not None:
        value = f"{one['number']:g}" + (f" of {one['high']:g}" if one["high"] not in (None, 1) else "")
    elif one["boolean"] is not None:
        value = "yes" if one["boolean"] else "no"
    else:
        value = one["category"]
    return Measured(one["name"], value, one["passed"], one["reason"], one["source"], one["author"])


def _edited(rows: list[dict[str, Any]], own: int | None, revision: int | None, answer: str) -> Edited | None:
    """One's own correction, else the newest of others."""
    if not rows:
        return None
    row = next((one for one in rows if own is not None and one["user"] == own), rows[0])
    last: Any = json.loads(row["answer"]) if row["answer"] else {}
    text = text_of(last) if last.get("role") == "assistant" else ""
    if not text:  # the corrected message called tools, so it is not the last one
        messages = Correction.objects.only("messages").get(pk=row["id"]).messages
        at = final_answer(messages)
        text = text_of(messages[at]) if at is not None else ""
    return Edited(
        author=row["author"], own=own is not None and row["user"] == own, text=text, rendered=markdown(text),
        changes=diff.words(answer, text), stale=row["revision"] != revision,
    )  # fmt: skip
