"""Forgetting a person: everything of theirs goes, what datasets froze becomes tombstones, and what learned is listed."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, TextField
from django.db.models.functions import Cast
from django.utils.crypto import salted_hmac

from curation.forget.delete import BATCH, bury_traces, delete_traces, empty_bodies, in_datasets
from curation.ingest.bodies import opened
from curation.models import (
    Batch,
    BatchItem,
    DatasetRow,
    DatasetVersion,
    Erasure,
    RawRecord,
    Span,
    Trace,
    TraceRevision,
    Trial,
    TrialItem,
    WaitingWord,
)
from workspace import audit, lineage
from workspace.access import Actor
from workspace.lineage import Node
from workspace.models import Project

LEAST_TEXT = 4
PACKED_AT_ONCE = 10
_STRING_VALUE = b"\x0a"  # the tag of AnyValue.string_value


class NotASubject(ValueError):
    """Nobody, or a word that too much would match; the text names the field and the reason."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom to forget: the user as the sender named them, exactly, and texts (an email address, a phone number, a full
    name) whose mention, in any case of letters, makes a trace theirs."""

    user_id: str = ""
    texts: tuple[str, ...] = ()

    def check(self) -> None:
        """Raise NotASubject where nobody is named, or where a text is shorter than LEAST_TEXT characters."""
        if not self.user_id and not self.texts:
            raise NotASubject("User id, Mentions: name a user id, or a text such as an email address")
        for text in self.texts:
            if len(text.strip()) < LEAST_TEXT:
                raise NotASubject(f"text: {text!r} is shorter than {LEAST_TEXT} characters and would match too much")

    @property
    def digest(self) -> str:
        """A keyed hash, so that the record of an erasure does not name the person again."""
        said = json.dumps([self.user_id, *sorted(text.lower() for text in self.texts)])
        return salted_hmac("whetstone.erasure", said, algorithm="sha256").hexdigest()


@dataclass(slots=True)
class Holdings:
    """What is there of a person: ids of traces (those that a dataset holds apart), of received bodies, and of spans
    that belong to no trace yet."""

    traces: list[int] = field(default_factory=list)
    frozen: set[int] = field(default_factory=set)
    bodies: list[int] = field(default_factory=list)
    spans: list[int] = field(default_factory=list)
    versions: list[DatasetVersion] = field(default_factory=list)


def holdings(*, project: Project, subject: Subject) -> Holdings:
    """Look through traces, revisions (old ones too), received bodies and spans of one project.

    Reads every row where a text is given: about 3 s per 100,000 traces of 3 kB. Raises NotASubject.
    """
    subject.check()
    ids: set[int] = set()
    if subject.user_id:
        ids |= set(Trace.objects.filter(project=project, user_id=subject.user_id).values_list("pk", flat=True))
    for text in subject.texts:
        ids |= _mentioned(project, text)
    found = Holdings(traces=sorted(ids))
    for start in range(0, len(found.traces), BATCH):
        found.frozen |= in_datasets(found.traces[start : start + BATCH])
    externals = _externals(found.traces)
    found.bodies = sorted(_bodies(project, _written(subject)) | _bodies_of(project, found.traces, externals))
    found.spans = sorted(_loose_spans(project, subject, externals))
    found.versions = list(
        DatasetVersion.objects.filter(dataset__project=project)
        .filter(Q(rows__trace__in=found.frozen) | Q(rows__other_trace__in=found.frozen))
        .select_related("dataset")
        .distinct()
        .order_by("dataset__name", "number")
    )
    return found


def forget(*, project: Project, actor: Actor, subject: Subject) -> Erasure:
    """Erase all holdings in one transaction and record it. Raises NotASubject; nothing is changed then.

    Traces are deleted; those in a frozen dataset become tombstones, which no list shows and no export writes. Received
    bodies are emptied, also of other people's records that came in the same body (their traces stay).
    """
    counts: Counter[str] = Counter()
    with transaction.atomic():
        found = holdings(project=project, subject=subject)
        externals = _externals(found.traces)
        touched = _touched(project, found.versions)
        for start in range(0, len(found.traces), BATCH):
            batch = found.traces[start : start + BATCH]
            frozen = [one for one in batch if one in found.frozen]
            counts += bury_traces(project=project, ids=frozen) if frozen else Counter()
            free = [one for one in batch if one not in found.frozen]
            counts += delete_traces(project=project, ids=free) if free else Counter()
        counts["spans"] += Span.objects.filter(project=project, pk__in=found.spans).delete()[0]
        counts["waiting words"] += _drop_words(project, subject, externals)
        counts["received bodies"] += empty_bodies(project=project, ids=found.bodies)
        erasure = Erasure.objects.create(
            project=project,
            subject_hash=subject.digest,
            author=actor.label,
            counts={name: count for name, count in counts.items() if count},
            touched=touched,
        )
        audit.record(
            project=project, actor=actor, action="person.forgotten", target=f"erasure:{erasure.uid}",
            subject_hash=subject.digest, counts=erasure.counts, touched=len(touched),
        )  # fmt: skip
    return erasure


def _touched(project: Project, versions: Sequence[DatasetVersion]) -> list[dict[str, str]]:
    """The versions, and everything that came from them: runs, checkpoints, models, suites, comparisons."""
    found: dict[tuple[str, str], str] = {}
    for version in versions:
        found["dataset_version", str(version.uid)] = str(version)
        for node in lineage.descendants(project=project, source=Node("dataset_version", str(version.uid))):
            found.setdefault((node.kind, node.id), "")
    return [{"kind": kind, "id": one, "name": name} for (kind, one), name in found.items()]


def _mentioned(project: Project, text: str) -> set[int]:
    """Traces where the text occurs: in any revision, in the trace's own columns, or in what a model was made to say of it."""
    like = f"%{_like(text)}%"
    in_json = f"%{_like(json.dumps(text, ensure_ascii=False)[1:-1])}%"
    sql = f"""
        SELECT t.id FROM {Trace._meta.db_table} t WHERE t.project_id = %s AND (
            t.user_id ILIKE %s OR t.session_id ILIKE %s OR t.name ILIKE %s OR t.external_id ILIKE %s
            OR t.preview ILIKE %s OR array_to_string(t.tags, ' ') ILIKE %s OR t.metadata::text ILIKE %s
        )
        UNION
        SELECT r.trace_id FROM {TraceRevision._meta.db_table} r JOIN {Trace._meta.db_table} t ON t.id = r.trace_id
        WHERE t.project_id = %s AND r.document::text ILIKE %s
        UNION
        SELECT i.trace_id FROM {BatchItem._meta.db_table} i JOIN {Batch._meta.db_table} b ON b.id = i.batch_id
        WHERE b.project_id = %s AND (i.answer::text ILIKE %s OR i.grades::text ILIKE %s)
        UNION
        SELECT i.trace_id FROM {TrialItem._meta.db_table} i JOIN {Trial._meta.db_table} a ON a.id = i.trial_id
        WHERE a.project_id = %s AND (i.reason ILIKE %s OR i.error ILIKE %s)
        UNION
        SELECT d.trace_id FROM {DatasetRow._meta.db_table} d JOIN {Trace._meta.db_table} t ON t.id = d.trace_id
        WHERE t.project_id = %s AND d.content::text ILIKE %s
    """  # noqa: S608
    with connection.cursor() as cursor:
        said: list[Any] = [
            project.pk, in_json, project.pk, in_json, in_json, project.pk, like, like, project.pk, in_json,
        ]  # fmt: skip
        cursor.execute(sql, [project.pk, like, like, like, like, like, like, in_json, *said])
        return {one for (one,) in cursor.fetchall()}


def _like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _externals(ids: Sequence[int]) -> set[str]:
    return set(Trace.objects.filter(pk__in=ids).values_list("external_id", flat=True))


def _written(subject: Subject) -> set[bytes]:
    """How the person stands in received bodies. A text wherever it is; the user id only as a whole value, in JSON or in
    protobuf: a short one, such as 7, is part of nearly every body."""
    found = {form.encode() for text in subject.texts for form in _in_json(text)}
    if name := subject.user_id:
        found |= {f"{quote}{form}{quote}".encode() for form in _in_json(name) for quote in ('"', '\\"')}
        plain = name.encode()
        found.add(_STRING_VALUE + _varint(len(plain)) + plain)
    return found


def _in_json(text: str) -> set[str]:
    return {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}


def _varint(number: int) -> bytes:
    """A length as protobuf writes it."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def _bodies(project: Project, needles: Iterable[bytes]) -> set[int]:
    """Received bodies where one of these stands."""
    needles = list(needles)
    sql = f"SELECT id FROM {RawRecord._meta.db_table} WHERE project_id = %s AND packing = '' AND position(%s::bytea IN body) > 0"  # noqa: S608
    # what is kept packed is looked through here, a few at a time
    packed = RawRecord.objects.filter(project=project).exclude(packing="").values_list("pk", "body", "packing")
    found: set[int] = set()
    for pk, body, packing in packed.iterator(chunk_size=PACKED_AT_ONCE):
        content = opened(body, packing)
        if any(needle in content for needle in needles):
            found.add(pk)
    with connection.cursor() as cursor:
        for needle in needles:
            cursor.execute(sql, [project.pk, needle])
            found |= {one for (one,) in cursor.fetchall()}
    return found


def _bodies_of(project: Project, ids: Sequence[int], externals: Iterable[str]) -> set[int]:
    """Bodies that these traces came in: a trace of spans comes in many, and few of them name the person."""
    revisions = TraceRevision.objects.filter(trace__in=ids, raw__isnull=False).values_list("raw_id", flat=True)
    spans = Span.objects.filter(project=project, trace_key__in=list(externals), raw__isnull=False)
    return {raw for raw in (*revisions, *spans.values_list("raw_id", flat=True)) if raw is not None}


def _loose_spans(project: Project, subject: Subject, known: set[str]) -> set[int]:
    """Spans where the person stands and that belong to none of the traces that go anyway. The user id counts as a whole
    value only, and not in spans of a trace: that says itself whose it is."""
    table = Span._meta.db_table
    asked = [
        (f"SELECT id, trace_key FROM {table} WHERE project_id = %s AND payload ILIKE %s",  # noqa: S608
         f"%{_like(json.dumps(text, ensure_ascii=False)[1:-1])}%")
        for text in subject.texts
    ]  # fmt: skip
    if subject.user_id:
        own = f"%{_like(json.dumps(subject.user_id, ensure_ascii=False))}%"
        asked.append(
            (f"SELECT id, trace_key FROM {table} AS s WHERE project_id = %s AND payload LIKE %s AND NOT EXISTS "  # noqa: S608
             f"(SELECT 1 FROM {Trace._meta.db_table} t WHERE t.project_id = s.project_id AND t.external_id = s.trace_key)",
             own)
        )  # fmt: skip
    found: set[int] = set()
    with connection.cursor() as cursor:
        for sql, pattern in asked:
            cursor.execute(sql, [project.pk, pattern])
            found |= {one for one, key in cursor.fetchall() if key not in known}
    return found


def _drop_words(project: Project, subject: Subject, externals: Iterable[str]) -> int:
    """Scores and feedback that wait for one of these traces, or that mention the person."""
    mine = Q(external_id__in=[*externals])
    for text in subject.texts:
        mine |= Q(external_id=text) | Q(session_id=text) | Q(said__icontains=json.dumps(text, ensure_ascii=False)[1:-1])
    waiting = WaitingWord.objects.filter(project=project).annotate(said=Cast("payload", TextField()))
    return waiting.filter(mine).delete()[0]


def erasures(*, project: Project, most: int = 20) -> list[Erasure]:
    """The newest erasures of a project."""
    return list(Erasure.objects.filter(project=project).order_by("-id")[:most])


def counts_of(found: Holdings) -> dict[str, Any]:
    """The sizes of holdings, for a preview."""
    return {
        "traces": len(found.traces),
        "frozen": len(found.frozen),
        "bodies": len(found.bodies),
        "spans": len(found.spans),
        "versions": [str(version) for version in found.versions],
    }
