"""Preferences: which of two answers people found better."""

from collections import defaultdict
from collections.abc import Iterator

from django.db.models import Q

from curation.datasets.example import edited
from curation.datasets.pairing.found import Found, Row, Side, Skip, chunks, documents, having, main_of, same_words
from curation.datasets.pairing.parting import NoParting, Parting, answer, part
from curation.datasets.pairing.uses import Uses, is_cut, is_masked
from curation.datasets.tasks.turns import final_words
from curation.messages.form import Document, Message, text_part
from curation.models import Preference
from curation.pairs.sides import ending
from curation.review import step_uses
from curation.review.step_uses import Edits

Ends = tuple[tuple[int, int], tuple[int, int]]  # (trace, candidate) of both sides, the smaller first


def pairs(rows: dict[int, Row], *, majority: bool, uses: Uses) -> Iterator[Found | Skip]:
    """One pair for every two answers that people compared. Each person's newest word counts; where two of them disagree
    the pair is skipped, or taken as most say with `majority` (a draw is skipped then too)."""
    said = Preference.objects.filter(withdrawn_at=None)
    for some in chunks(having(rows, said, "left_trace_id", "right_trace_id")):
        told: dict[Ends, list[Preference]] = defaultdict(list)
        seen = Preference.objects.filter(Q(left_trace__in=some) | Q(right_trace__in=some), withdrawn_at=None)
        for one in seen.order_by("-id"):
            ends = _ends(one)
            if ends[0][0] in some or ends[0][0] not in rows:  # a pair over two chunks is looked at once
                told[ends].append(one)
        used = [one for words in told.values() for one in words]
        known = {trace for one in used for trace in (one.left_trace_id, one.right_trace_id)} & rows.keys()
        revisions = {pk for one in used for pk in (one.left_revision_id, one.right_revision_id)}
        same_words((rows[trace] for trace in known), revisions)
        texts = documents(revisions)
        place = {trace: at for at, trace in enumerate(some)}
        last = len(some)
        in_order = sorted(told.items(), key=lambda item: (min(place.get(trace, last) for trace, _ in item[0]), item[0]))
        for _, words in in_order:
            yield _pair(rows, words, texts, majority, uses)


def _pair(
    rows: dict[int, Row], words: list[Preference], texts: dict[int, Document], majority: bool, uses: Uses
) -> Found | Skip:
    newest = words[0]
    traces = tuple({newest.left_trace_id, newest.right_trace_id})
    if any(trace not in rows for trace in traces):
        return Skip("outside", tuple(trace for trace in traces if trace in rows))
    heard: dict[str, Preference] = {}
    for one in words:
        heard.setdefault(str(one.user_id or one.author), one)
    fresh = [
        one
        for one in heard.values()
        if one.left_revision_id in rows[one.left_trace_id].same
        and one.right_revision_id in rows[one.right_trace_id].same
    ]
    if not fresh:
        return Skip("stale", traces)
    picked = _agreed(fresh, majority)
    if isinstance(picked, str):
        return Skip(picked, traces, f"{len(fresh)} people" if picked == "conflict" else "")
    return _made(picked, texts, traces, rows, uses)


def _agreed(words: list[Preference], majority: bool) -> Preference | str:
    """The word that stands for all, or the code why none does. A tie beside a choice is no objection to it; both_bad is."""
    votes: dict[str, list[Preference]] = defaultdict(list)
    for one in words:
        better = _better(one)
        votes[one.choice if better is None else repr(better)].append(one)
    chosen = {name: said for name, said in votes.items() if name not in ("tie", "both_bad")}
    if not chosen:
        return "both_bad" if "both_bad" in votes else "tie"
    ranked = sorted(chosen.values(), key=len, reverse=True)
    if len(ranked) > 1 or "both_bad" in votes:
        against = max(len(votes.get("both_bad", ())), len(ranked[1]) if len(ranked) > 1 else 0)
        if not majority or len(ranked[0]) <= against:
            return "conflict"
    # of those who agree the newest one who wrote how it should have been, else the newest
    return next((one for one in ranked[0] if one.edited.strip()), ranked[0][0])


def _better(one: Preference) -> tuple[int, int] | None:
    if one.choice == "left":
        return one.left_trace_id, one.left_candidate
    return (one.right_trace_id, one.right_candidate) if one.choice == "right" else None


def _ends(one: Preference) -> Ends:
    first, second = sorted(((one.left_trace_id, one.left_candidate), (one.right_trace_id, one.right_candidate)))
    return first, second


def _made(
    one: Preference, texts: dict[int, Document], traces: tuple[int, ...], rows: dict[int, Row], uses: Uses
) -> Found | Skip:
    left = (one.left_trace_id, one.left_revision_id, one.left_candidate)
    right = (one.right_trace_id, one.right_revision_id, one.right_candidate)
    (trace, revision, candidate), worse = (left, right) if one.choice == "left" else (right, left)
    held, beside = (main_of(texts.get(pk, {"conversations": []})) for pk in (revision, worse[1]))
    if held is None or beside is None:
        return Skip("gone", traces)
    edits = uses.of({worse[0]: texts[worse[1]], trace: texts[revision]})
    better, used = _ending(texts[revision], candidate, edits.get(trace, {}))
    other, _ = _ending(texts[worse[1]], worse[2], edits.get(worse[0], {}))
    if one.edited.strip() and used and _is_cut(ending(texts[revision], candidate), used):
        return Skip("cut", traces)
    where = part(better, other)
    at = final_words(better) if one.edited.strip() else None
    whose = Side(worse[0], worse[1])
    if at is not None and not (isinstance(where, Parting) and where.shared == at):
        # how it should have been, where the runs part elsewhere: against the answer that was edited
        shared, rejected, whose = at, better[at], Side(trace, revision)
        if not any(message["role"] == "user" for message in better[:at]):
            return Skip("no_request", traces)
    elif isinstance(where, NoParting):
        return Skip(where.code, traces, where.detail)
    else:
        shared, rejected = where.shared, other[where.shared]
    chosen: Message = {**better[shared]}
    if at is None and is_masked(chosen):
        return Skip("masked", traces, f"after {shared} messages")
    if at is not None:
        chosen["parts"] = [text_part(one.edited)]
    return Found(
        source="preferences",
        prompt=better[:shared],
        tools=held[1].get("tools") or [],
        chosen=answer(chosen),
        rejected=answer(rejected),
        side=Side(trace, revision),
        other=whose if whose.trace != trace else None,
        conversation=held[0],
        detail=f"preferred by {one.author}" + (f", {one.strength}" if one.strength else ""),
        author=one.author,
        preference=one.pk,
        together=rows[trace].case,
        on_purpose=at is not None,
    )


def _ending(document: Document, candidate: int, edits: dict[int, Edits]) -> tuple[list[Message], Edits]:
    """The messages of one side with the uses of its steps carried out, and those uses. Another candidate was never a step,
    so what was said of the last answer is not said of it."""
    messages, held = ending(document, candidate), main_of(document)
    if held is None or held[0] not in edits:
        return messages, {}
    used = step_uses.moved(edits[held[0]], held[1]["messages"], messages)
    return edited(messages, used), used


def _is_cut(messages: list[Message], used: Edits) -> bool:
    """Whether the answer that somebody put into other words is cut."""
    at = final_words(messages)
    return at is not None and is_cut(used, at)
