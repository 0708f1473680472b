"""What annotators said of traces, as it came with them: judgments, preferences and corrections are written after the
traces are stored, each once however often the same file comes.

They have an author in words and no account. A word is about what the trace says now: when it comes again with other
content, so does the word; when it comes again unchanged, nothing happens, even where somebody took it back here.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils import timezone

from curation import effective
from curation.ingest.parsed import ParsedTrace
from curation.ingest.prepare import stored_id
from curation.messages.clean import Notes, clean_text
from curation.messages.form import Document, Message, final_answer, main_conversation, message
from curation.models import Correction, Judgment, Preference, Trace, TraceRevision
from workspace.models import Project
from workspace.uuid7 import uuid7


@dataclass(frozen=True, slots=True)
class Written:
    """How many of each kind are new."""

    judgments: int = 0
    preferences: int = 0
    corrections: int = 0


@dataclass(frozen=True, slots=True)
class _Place:
    """A stored trace: its row and the revision it has now."""

    trace: int
    revision: int
    said: str


def write_words(*, project: Project, parsed: Sequence[ParsedTrace]) -> Written:
    """Write what came with these traces, which have been stored; call it in the same transaction.

    A preference whose other trace is not there is left out. Effective judgments are settled.
    """
    with_words = [one for one in parsed if one.judgments or one.preferences or one.corrections]
    if not with_words:
        return Written()
    places = _places(project, with_words)
    pairs = [(one, places[key]) for one in with_words if (key := _id(one.external_id)) in places]
    return Written(
        judgments=_write_judgments(project, pairs),
        preferences=_write_preferences(project, pairs, places),
        corrections=_write_corrections(project, pairs),
    )


def keep_content(*, project: Project, parsed: Sequence[ParsedTrace]) -> tuple[list[ParsedTrace], set[str]]:
    """Traces that only bring words (`keeps_content`) and are there already, with the content that is stored; the others
    as they are. And the external ids of those that are not there and hold nothing to store."""
    asked = {_id(one.external_id) for one in parsed if one.keeps_content}
    if not asked:
        return list(parsed), set()
    rows = Trace.objects.filter(project=project, external_id__in=asked, revision__isnull=False)
    stored = {
        name: (document, found)
        for name, found, document in rows.values_list("external_id", "source_format", "revision__document")
    }
    kept: list[ParsedTrace] = []
    missing: set[str] = set()
    for one in parsed:
        there = stored.get(_id(one.external_id)) if one.keeps_content else None
        if there is not None:
            document, found = there
            one = replace(one, document=document, source={**one.source, "format": found}, metadata={})
        elif one.keeps_content and not main_conversation(one.document)["messages"]:
            missing.add(one.external_id)
        kept.append(one)
    return kept, missing


def _places(project: Project, parsed: Sequence[ParsedTrace]) -> dict[str, _Place]:
    """Where the traces are, locked in the order of their ids as `store_traces` takes them."""
    names = {_id(one.external_id) for one in parsed}
    names |= {_id(preference.other) for one in parsed for preference in one.preferences if preference.other}
    rows = (
        Trace.objects.select_for_update(of=("self",))
        .filter(project=project, external_id__in=names, revision__isnull=False, erased_at=None)
        .order_by("external_id")
        .values_list("external_id", "pk", "revision_id", "revision__said_digest")
    )
    return {name: _Place(pk, revision, said) for name, pk, revision, said in rows}


def _write_judgments(project: Project, pairs: Sequence[tuple[ParsedTrace, _Place]]) -> int:
    keys: dict[str, tuple[_Place, Any]] = {}
    for trace, place in pairs:
        # the newest word of a person counts, and the newest is the one that is written last
        for word in sorted(trace.judgments, key=lambda one: one.at.timestamp() if one.at else 0):
            said = (word.verdict, word.author, word.note, word.rating, _moment(word.at), word.external_id)
            keys.setdefault(_key("judgment", place, *said), (place, word))
    known = set(
        Judgment.objects.filter(project=project, idempotency_key__in=keys).values_list("idempotency_key", flat=True)
    )
    count = 0
    for key, (place, word) in keys.items():
        if key in known:
            continue
        words = effective.Words(
            uid=uuid7(), project=project.pk, trace=place.trace, revision=place.revision, user=None, token=None,
            author=_text(word.author)[:200] or "imported", verdict=word.verdict, rating=word.rating,
            note=_text(word.note), adjudicated=False, key=key, at=_past(word.at), seconds=None,
        )  # fmt: skip
        count += effective.record(words) is not None
    return count


def _write_preferences(project: Project, pairs: Sequence[tuple[ParsedTrace, _Place]], places: dict[str, _Place]) -> int:
    rows: dict[str, Preference] = {}
    for trace, left in pairs:
        for word in trace.preferences:
            right = places.get(_id(word.other)) if word.other else left
            if right is None:
                continue
            said = (right.said if right is not left else "", word.left, word.right, word.choice, word.strength,
                    word.author, word.note, word.external_id)  # fmt: skip
            key = _key("preference", left, *said)
            rows[key] = Preference(
                project=project, left_trace_id=left.trace, left_revision_id=left.revision, left_candidate=word.left,
                right_trace_id=right.trace, right_revision_id=right.revision, right_candidate=word.right,
                choice=word.choice, strength=word.strength, note=_text(word.note), is_imported=True,
                author=_text(word.author)[:200] or "imported", idempotency_key=key,
            )  # fmt: skip
    known = set(
        Preference.objects.filter(project=project, idempotency_key__in=rows).values_list("idempotency_key", flat=True)
    )
    new = [row for key, row in rows.items() if key not in known]
    Preference.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


def _write_corrections(project: Project, pairs: Sequence[tuple[ParsedTrace, _Place]]) -> int:
    """Corrections have no key: the same words of the same author on the same trace are the same correction."""
    wanted = [(place, word) for trace, place in pairs for word in trace.corrections]
    if not wanted:
        return 0
    documents = dict(
        TraceRevision.objects.filter(pk__in={place.revision for place, _ in wanted}).values_list("pk", "document")
    )
    there: dict[tuple[int, str], list[Any]] = {}
    for trace_id, author, messages in Correction.objects.filter(
        trace__in={place.trace for place, _ in wanted}, user=None
    ).values_list("trace_id", "author", "messages"):
        there.setdefault((trace_id, author), []).append(messages)
    new = []
    for place, word in wanted:
        author = _text(word.author)[:200] or "imported"
        document: Document = documents[place.revision]
        main = main_conversation(document)
        messages = corrected(main["messages"], _text(word.text))
        seen = there.setdefault((place.trace, author), [])
        if messages in seen:
            continue
        seen.append(messages)
        number = next((at for at, one in enumerate(document["conversations"]) if one is main), 0)
        new.append(
            Correction(project=project, trace_id=place.trace, revision_id=place.revision, author=author,
                       conversation=number, messages=messages)
        )  # fmt: skip
    Correction.objects.bulk_create(new)
    return len(new)


def corrected(messages: list[Message], text: str) -> list[Message]:
    """The conversation with `text` in the place of its final answer (what came behind that replied to the old one), or
    behind it where it has none."""
    at = final_answer(messages)
    return [*(messages if at is None else messages[:at]), message("assistant", text)]


def _key(kind: str, place: _Place, *said: Any) -> str:
    """64 hex digits: the trace with what it says, and the word."""
    text = json.dumps([kind, place.trace, place.said or place.revision, *said], ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _id(external_id: str) -> str:
    return stored_id(external_id, Notes())


def _text(text: str) -> str:
    return clean_text(text, Notes())


def _moment(at: datetime | None) -> str:
    return at.isoformat() if at else ""


def _past(at: datetime | None) -> datetime:
    now = timezone.now()
    return min(at, now) if at else now
