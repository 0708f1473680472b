"""Edited answers: what a person wrote is the better one, what the agent said the worse one."""

from collections.abc import Iterator

from curation.datasets.example import edited
from curation.datasets.pairing.found import Found, Row, Side, Skip, chunks, documents, having, same_words
from curation.datasets.pairing.parting import NoParting, answer, part
from curation.datasets.pairing.uses import Uses, is_cut, is_masked
from curation.messages.form import Document
from curation.models import Correction
from curation.review import step_uses
from curation.review.step_uses import Edits


def pairs(rows: dict[int, Row], *, uses: Uses) -> Iterator[Found | Skip]:
    """One pair for each trace whose newest standing edit changes an answer."""
    for some in chunks(having(rows, Correction.objects.filter(withdrawn_at=None), "trace_id")):
        newest: dict[int, Correction] = {}
        for one in Correction.objects.filter(trace_id__in=some, withdrawn_at=None).order_by("trace_id", "-id"):
            newest.setdefault(one.trace_id, one)
        same_words((rows[trace] for trace in newest), (one.revision_id for one in newest.values()))
        texts = documents(one.revision_id for one in newest.values())
        edits = uses.of({trace: texts[one.revision_id] for trace, one in newest.items() if one.revision_id in texts})
        for trace in some:
            if trace in newest:
                edit = newest[trace]
                yield _pair(rows[trace], edit, texts, edits.get(trace, {}).get(edit.conversation, {}))


def _pair(row: Row, edit: Correction, texts: dict[int, Document], used: Edits) -> Found | Skip:
    here = (row.id,)
    if edit.revision_id not in row.same:
        return Skip("stale", here, "edited before it changed")
    if row.verdict == "unsure" and not row.stale:
        return Skip("unsure", here)
    said = texts.get(edit.revision_id, {"conversations": []}).get("conversations", [])
    if edit.conversation >= len(said):
        return Skip("gone", here)
    conversation = said[edit.conversation]
    before, after = conversation["messages"], edit.messages
    where = part(before, after)
    if not isinstance(where, NoParting) and is_cut(used, where.shared):
        return Skip("cut", here, f"message {where.shared + 1}")
    if used:
        after = edited(after, step_uses.moved(used, before, after))
        before = edited(before, used)
        where = part(before, after)
    if isinstance(where, NoParting):
        return Skip(where.code, here, where.detail)
    if is_masked(after[where.shared]):
        return Skip("masked", here, f"after {where.shared} messages")
    return Found(
        source="corrections",
        prompt=before[: where.shared],
        tools=conversation.get("tools") or [],
        chosen=answer(after[where.shared]),
        rejected=answer(before[where.shared]),
        side=Side(row.id, edit.revision_id),
        conversation=edit.conversation,
        detail=f"edited by {edit.author}",
        author=edit.author,
        correction=edit.pk,
        together=row.case,
        on_purpose=True,
    )
