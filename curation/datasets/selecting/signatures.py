"""What a selection needs to know of each revision without reading it, worked out once: revisions never change.

A sweep works off traces without a signature behind intake; a preview or a freeze works out what it misses. A signature is
of the main conversation as it was said. What a row says beyond that (a correction, edits, another task) is worked out anew
from the same functions.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from time import monotonic
from typing import Any

import orjson
from django.db import connection, transaction
from psycopg import Cursor

from curation.datasets import reasons
from curation.datasets.example import Example, example_of, main_index
from curation.datasets.exporting import validate
from curation.datasets.exporting.formats import FORMATS
from curation.datasets.selecting import prints
from curation.datasets.selecting.candidates import array
from curation.datasets.tasks import chat
from curation.messages.form import Document
from curation.models import RevisionSignature, Trace
from curation.privacy import gate
from workspace.models import Project

GENERATION = 2  # raise it when what is worked out here changes
CHUNK = 200
SWEEP_SECONDS = 8.0
_TAKEN = 4_000
_FIELDS = ["project", "rules", "conversation", "stopped", "digest", "sameness", "tokens", "trained_tokens", "minhash", "vector",
           "findings", "personal"]  # fmt: skip
_MISSING = """
    SELECT t.revision_id FROM curation_trace t
    WHERE t.revision_id IS NOT NULL AND NOT EXISTS (
      SELECT FROM curation_revisionsignature s WHERE s.revision_id = t.revision_id AND s.rules = %s)
    LIMIT %s
"""
# the share lock keeps the revision from being deleted or emptied between its reading and the signature's writing
_READ = """
    SELECT r.id, t.project_id, r.document::text FROM curation_tracerevision r JOIN curation_trace t ON t.id = r.trace_id
    WHERE r.id = ANY(%s) ORDER BY r.id FOR SHARE OF r
"""
_KNOWN = """
    SELECT revision_id, conversation, stopped, digest, sameness, tokens, trained_tokens, findings::text, personal, {more}
    FROM curation_revisionsignature WHERE revision_id = ANY(%s::bigint[]) AND rules = %s
"""


@dataclass(slots=True)
class Signature:
    """RevisionSignature as plain values. `findings` is JSON text: {"": what every format says, format: all that it
    says where that differs}, each [[level, code], ...]; `minhash` and `vector` are empty where they were not asked for."""

    conversation: int = 0
    stopped: str = ""
    digest: str = ""
    sameness: bytes = b""
    tokens: int = 0
    trained_tokens: int = 0
    findings: str = "{}"
    personal: int = 0
    minhash: bytes = b""
    vector: bytes = b""


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of a project's traces have a signature."""

    done: int
    total: int


@lru_cache(maxsize=1)
def rules() -> int:
    """The generation of all that a signature holds: of this module, the gate, the validator and the formats there are."""
    told = (
        f"{GENERATION} {gate.generation()} {validate.RULES} {sorted(FORMATS)} {prints.PERMUTATIONS} {prints.DIMENSIONS}"
    )
    return zlib.crc32(told.encode()) % 32_000 + 1


def of_examples(examples: Sequence[Example], *, conversations: Sequence[int] | None = None) -> list[Signature]:
    """The signatures of rows as they stand, in one go. Raises what a broken row raises."""
    found = [
        Signature(
            conversation=0 if conversations is None else conversations[index],
            digest=row.digest(),
            sameness=row.sameness(),
            tokens=row.total_tokens,
            trained_tokens=row.trained_tokens,
            findings=_findings(row),
            personal=personal_in(row),
        )
        for index, row in enumerate(examples)
    ]
    said = [prints.words(row) for row in examples]
    for one, minhash, vector in zip(found, prints.minhashes(said), prints.vectors(said), strict=True):
        one.minhash, one.vector = minhash, vector.tobytes()
    return found


def of_documents(documents: Sequence[Document]) -> list[Signature]:
    """The signatures of the main conversations. A document that cannot be read is stopped as "failed"."""
    result = [Signature(stopped=reasons.EMPTY.code) for _ in documents]
    rows: list[tuple[int, int, Example]] = []
    for index, document in enumerate(documents):
        try:
            row, place = _row(document)
            if row is None:
                continue
            left = chat.why_not(row)
            if left is not None:
                result[index].stopped = left.reason.code
            else:
                row.digest()
                rows.append((index, place, row))
        except Exception as error:  # one broken document must not stop the others; it is told by its reason
            result[index].stopped = reasons.FAILED.code
            result[index].findings = orjson.dumps({"": [["error", type(error).__name__]]}).decode()
    places, examples = [place for _, place, _ in rows], [row for _, _, row in rows]
    for (index, _, _), one in zip(rows, _safely(examples, places), strict=True):
        result[index] = one
    return result


def read(revisions: Sequence[int], *, minhash: bool = False, vector: bool = False) -> dict[int, Signature]:
    """The signatures that are there and of today's rules, by revision id. One statement."""
    nothing = "''::bytea"
    more = f"{'minhash' if minhash else nothing}, {'vector' if vector else nothing}"
    connection.ensure_connection()
    # the binary protocol: as text every byte would come as two
    with connection.wrap_database_errors, Cursor[Any](connection.connection) as cursor:
        cursor.execute(_KNOWN.format(more=more), [array(revisions), rules()], binary=True)
        rows = cursor.fetchall()
    return {row[0]: Signature(*row[1:]) for row in rows}


def fill(revisions: Iterable[int], *, seconds: float | None = None) -> Iterator[dict[int, Signature]]:
    """Work out and store the signatures of `revisions`, a chunk at a time; each chunk is given when it is stored.

    Ends after `seconds`, where they are given, with some left.
    """
    end = None if seconds is None else monotonic() + seconds
    waiting = iter(revisions)
    while chunk := list(islice(waiting, CHUNK)):
        yield _store(chunk)
        if end is not None and monotonic() > end:
            return


def sweep(*, seconds: float = SWEEP_SECONDS) -> int:
    """Work out signatures that are missing or of older rules, for some seconds. Returns how many were worked out. Two
    sweeps at once do the same work twice, and no harm."""
    end, done = monotonic() + seconds, 0
    while (left := end - monotonic()) > 0:
        missing = _missing()
        if not missing:
            break
        done += sum(len(part) for part in fill(missing, seconds=left))
    return done


def progress(project: Project) -> Progress:
    """How far the sweep is with a project. Two counts."""
    total = Trace.objects.filter(project=project, revision__isnull=False)
    return Progress(total.filter(revision__signature__rules=rules()).count(), total.count())


def personal_in(row: Example) -> int:
    """Pieces of personal data in what the row would say."""
    return gate.find_in(row.plain()).total()


def _missing() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(_MISSING, [rules(), _TAKEN])
        return [row[0] for row in cursor.fetchall()]


def _store(chunk: list[int]) -> dict[int, Signature]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_READ, [chunk])
            rows = cursor.fetchall()
        found = of_documents([orjson.loads(row[2]) for row in rows])
        RevisionSignature.objects.bulk_create(
            (
                RevisionSignature(
                    revision_id=revision,
                    project_id=project,
                    rules=rules(),
                    conversation=one.conversation,
                    stopped=one.stopped,
                    digest=one.digest,
                    sameness=one.sameness,
                    tokens=one.tokens,
                    trained_tokens=one.trained_tokens,
                    minhash=one.minhash,
                    vector=one.vector,
                    findings=orjson.loads(one.findings),
                    personal=one.personal,
                )
                for (revision, project, _), one in zip(rows, found, strict=True)
            ),
            update_conflicts=True,
            unique_fields=["revision"],
            update_fields=_FIELDS,
        )
    return {row[0]: one for row, one in zip(rows, found, strict=True)}


def documents(revisions: Sequence[int]) -> dict[int, Document]:
    """What the revisions say, by id."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, document::text FROM curation_tracerevision WHERE id = ANY(%s)", [list(revisions)])
        return {pk: orjson.loads(text) for pk, text in cursor.fetchall()}


def _row(document: Document) -> tuple[Example | None, int]:
    if not document.get("conversations"):
        return None, 0
    place = main_index(document)
    return example_of(document["conversations"][place]), place


def _safely(examples: list[Example], places: list[int]) -> list[Signature]:
    """Of all at once; where one of them raises, one by one."""
    try:
        return of_examples(examples, conversations=places)
    except Exception:
        result = []
        for row, place in zip(examples, places, strict=True):
            try:
                result += of_examples([row], conversations=[place])
            except Exception as error:  # told by its reason
                told = orjson.dumps({"": [["error", type(error).__name__]]}).decode()
                result.append(Signature(conversation=place, stopped=reasons.FAILED.code, findings=told))
        return result


def _findings(row: Example) -> str:
    shared = validate.common(row)
    common = sorted([one.level, one.code] for one in shared)
    told: dict[str, Any] = {"": common} if common else {}
    for name, chosen in FORMATS.items():
        found = sorted([one.level, one.code] for one in validate.check(row, chosen, shared))
        if found != common:
            told[name] = found
    return orjson.dumps(told).decode()
