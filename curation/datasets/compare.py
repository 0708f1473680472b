"""What two versions of a dataset have apart: rows that came, went and changed, and why.

A row is the same where trace, conversation and part are (and both or neither came from a replay buffer). Why a row came is
what the older version said of its trace, why it went what the newer one says; without a word there the trace was not looked
at: it came later, is archived or erased by now, or is outside of the filter.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Case, CharField, Exists, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce

from curation.datasets import reasons
from curation.datasets.recipe import RecipeError, parse
from curation.datasets.recipe_parts import OPERATORS
from curation.models import DatasetDecision, DatasetRow, DatasetVersion
from curation.review import blind
from workspace.models import User
from workspace.paging import Page, paginate

CAME, WENT, CHANGED = "in", "out", "changed"
SHOWN = {CAME: "In", WENT: "Out", CHANGED: "Changed"}
CHANGES = {
    "content": "says something else",
    "revision": "another revision of the trace",
    "judgment": "another judgment",
    "correction": "another correction",
    "split": "another split",
}
# why a version has no decision about a trace
UNSEEN = {
    "came_later": "came in after it was frozen",
    "archived_since": "archived since",
    "erased_since": "erased since",
    "outside": "outside its filter",
    "other_row": "in with another row",
}
KEPT = 64
_SINCE = """
    SELECT CASE WHEN t.erased_at IS NOT NULL THEN 'erased_since' WHEN t.archived_at IS NOT NULL THEN 'archived_since'
                ELSE 'outside' END AS why, count(*)
    FROM curation_datasetrow x JOIN curation_trace t ON t.id = x.trace_id
    WHERE x.version_id = %(a)s AND NOT EXISTS (
        SELECT FROM curation_datasetrow y WHERE y.version_id = %(b)s AND y.trace_id = x.trace_id
          AND y.conversation = x.conversation AND y.part = x.part AND (y.origin = 'replayed') = (x.origin = 'replayed'))
      AND NOT EXISTS (SELECT FROM curation_datasetdecision d WHERE d.version_id = %(b)s AND d.trace_id = x.trace_id)
    GROUP BY 1
"""
_COUNT = """
    WITH x AS (SELECT * FROM curation_datasetrow WHERE version_id = %(a)s),
         y AS (SELECT * FROM curation_datasetrow WHERE version_id = %(b)s),
    pairs AS (
      SELECT coalesce(x.trace_id, y.trace_id) AS trace_id, x.id AS old, y.id AS new, x.split AS before, y.split AS after,
             x.digest <> y.digest AS content, x.revision_id <> y.revision_id AS revision,
             x.judgment_id IS DISTINCT FROM y.judgment_id AS judgment,
             x.correction_id IS DISTINCT FROM y.correction_id AS correction
      FROM x FULL JOIN y ON x.trace_id = y.trace_id AND x.conversation = y.conversation AND x.part = y.part
        AND (x.origin = 'replayed') = (y.origin = 'replayed'))
    SELECT p.old IS NOT NULL, p.new IS NOT NULL, p.before, p.after, p.content, p.revision, p.judgment, p.correction,
           CASE WHEN p.old IS NOT NULL AND p.new IS NOT NULL THEN ''
                WHEN d.included THEN 'other_row' WHEN d.reason IS NOT NULL THEN d.reason
                WHEN p.old IS NULL AND t.received_at > %(frozen)s THEN 'came_later'
                ELSE 'outside' END AS why, count(*)
    FROM pairs p
    LEFT JOIN curation_trace t ON t.id = p.trace_id AND (p.old IS NULL OR p.new IS NULL)
    LEFT JOIN curation_datasetdecision d ON d.trace_id = p.trace_id
      AND d.version_id = CASE WHEN p.old IS NULL THEN %(a)s WHEN p.new IS NULL THEN %(b)s END
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
"""


@dataclass(slots=True)
class Counts:
    """Rows of both versions. `by_change` may count a row several times; `why` per shown list code -> rows, `moves`
    (from split, to split) -> rows."""

    before: int = 0
    after: int = 0
    same: int = 0
    changed: int = 0
    came: int = 0
    went: int = 0
    by_change: Counter[str] = field(default_factory=Counter)
    why: dict[str, Counter[str]] = field(default_factory=lambda: {CAME: Counter(), WENT: Counter()})
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)

    def of(self, show: str) -> int:
        """How many rows a list has."""
        return {CAME: self.came, WENT: self.went, CHANGED: self.changed}[show]


@dataclass(frozen=True, slots=True)
class Differs:
    """One option of the recipe (or the filter) that the versions have apart, as text."""

    name: str
    before: str
    after: str


@dataclass(slots=True)
class Shown:
    """A row of a list: `row` is of the newer version, of the older one where it went; `other` is its partner. `changes`
    are of CHANGES; `why` is a code, `words` what it says, `detail` what the decision adds. `is_hidden`: the reader must judge
    the trace blind first, so nothing here tells what was said of it."""

    row: DatasetRow
    other: DatasetRow | None = None
    changes: tuple[str, ...] = ()
    why: str = ""
    words: str = ""
    detail: str = ""
    is_hidden: bool = False


def counts(a: DatasetVersion, b: DatasetVersion) -> Counts:
    """Everything that the versions have apart. What the versions fix is counted in one statement and kept; a second one
    asks, where rows went without a word, what has become of their traces, because that changes."""
    kept = _counts(a.pk, b.pk)
    gone = kept.why[WENT]
    if not gone["outside"]:
        return kept
    with connection.cursor() as cursor:
        cursor.execute(_SINCE, {"a": a.pk, "b": b.pk})
        now = Counter(dict(cursor.fetchall()))
    told = Counter({why: number for why, number in gone.items() if why != "outside"})
    return replace(kept, why={CAME: kept.why[CAME], WENT: told + now})


@lru_cache(maxsize=KEPT)
def _counts(a: int, b: int) -> Counts:
    """Rows that went without a word are "outside" here."""
    frozen = DatasetVersion.objects.values_list("created_at", flat=True).get(pk=a)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"a": a, "b": b, "frozen": frozen})
        rows = cursor.fetchall()
    found = Counts()
    for old, new, before, after, content, revision, judgment, correction, why, number in rows:
        found.before += number if old else 0
        found.after += number if new else 0
        if old and new:
            flags = {"content": content, "revision": revision, "judgment": judgment, "correction": correction,
                     "split": before != after}  # fmt: skip
            changed = [name for name, is_so in flags.items() if is_so]
            found.changed += number if changed else 0
            found.same += 0 if changed else number
            for name in changed:
                found.by_change[name] += number
            if before != after:
                found.moves[before, after] += number
        else:
            found.came += number if new else 0
            found.went += number if old else 0
            found.why[CAME if new else WENT][why] += number
    return found


def listed(
    a: DatasetVersion, b: DatasetVersion, *, show: str, why: str = "", cursor: str = "", size: int = 50,
    reader: User | None = None,
) -> tuple[Page[DatasetRow], list[Shown]]:  # fmt: skip
    """A page of rows that came, went or changed, in the order of their version; `why` keeps those with one reason (came,
    went) or one change. What blind queues hide from `reader` is withheld, and with `why` left out. Four statements; two
    more for a reader."""
    here, there = (a, b) if show == WENT else (b, a)
    partner = _partner(there)
    rows = _keyed(DatasetRow.objects.filter(version=here))
    if show == CHANGED:
        rows = rows.filter(Exists(partner.filter(_differs(why))))
    else:
        rows = rows.filter(~Exists(partner)).annotate(why=_why(there, a if show == CAME else None))
        rows = rows.filter(why=why) if why else rows
    if why and reader is not None and blind.hides_any(project=here.dataset.project, reader=reader):
        rows = rows.exclude(trace__in=blind.shut_traces(reader))
    shown = rows.select_related("trace", "revision", "judgment", "correction").defer(
        "trace__metadata", "revision__document", "revision__import_notes", "correction__messages", "content"
    )
    page: Page[DatasetRow] = paginate(shown, order=["position"], cursor=cursor, size=size)
    hidden = blind.hidden_of(traces=[row.trace for row in page.rows], user=reader)
    if show == CHANGED:
        return page, [_withheld(one) if one.row.trace_id in hidden else one for one in _with_partners(page.rows, there)]
    details = dict(
        DatasetDecision.objects.filter(version=there, trace__in=[row.trace_id for row in page.rows]).values_list(
            "trace_id", "detail"
        )
    )
    told = [
        Shown(row, why=row.why, words=words_of(row.why), detail=details.get(row.trace_id, ""))  # type: ignore[attr-defined]
        for row in page.rows
    ]
    return page, [_withheld(one) if one.row.trace_id in hidden else one for one in told]


def _withheld(one: Shown) -> Shown:
    return Shown(one.row, one.other, tuple(set(one.changes) & {"revision", "split"}), is_hidden=True)


def words_of(code: str) -> str:
    """A reason or a change in words."""
    if code in UNSEEN:
        return UNSEEN[code]
    if code in CHANGES:
        return CHANGES[code]
    return reasons.BY_CODE[code].words if code in reasons.BY_CODE else code


def codes(show: str) -> set[str]:
    """What `listed` takes as `why` for a list."""
    return set(CHANGES) if show == CHANGED else {*reasons.BY_CODE, *UNSEEN}


def recipes(a: DatasetVersion, b: DatasetVersion) -> list[Differs]:
    """Filter and options that the versions have apart, by the names that recipes use. An option that an older recipe does
    not name has the default of today."""
    told = [Differs("filter", a.query or "every trace", b.query or "every trace")] if a.query != b.query else []
    first, second = _options(a.recipe), _options(b.recipe)
    for name in dict.fromkeys([*first, *second]):
        before, after = first.get(name), second.get(name)
        if before != after:
            told.append(Differs(name, _told(name, before), _told(name, after)))
    return told


def _options(stored: Mapping[str, Any]) -> dict[str, Any]:
    try:
        found = parse(stored).plain()
    except RecipeError:
        found = dict(stored)
    return {name: value for name, value in found.items() if name not in ("train", "as_of")}


def _told(name: str, value: Any) -> str:
    try:
        return _AS_SAID[name](value) if value and name in _AS_SAID else _text(value)
    except (KeyError, TypeError, ValueError):  # of a recipe that is no longer read
        return _text(value)


def _text(value: Any) -> str:
    if value in (None, "", [], {}, ()):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(_text(one) for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _gates(value: Any) -> str:
    return ", ".join(f"{one['score']} {OPERATORS[one['operator']]} {one['threshold']:g}" for one in value)


def _measures(value: Any) -> str:
    return ", ".join(f"{one['score']} {'passed' if one['passed'] else 'not passed'}" for one in value)


def _balance(value: Any) -> str:
    most = value["most"]
    return f"{value['field']}, {'an equal share' if most is None else f'at most {most:,}'} for each value"


# options whose parts read as a sentence, not as names and values
_AS_SAID: dict[str, Callable[[Any], str]] = {"gates": _gates, "measures": _measures, "balance": _balance}


def _keyed(rows: Any) -> Any:
    """Rows with what compares two of them, nothing of it unknown."""
    return rows.alias(
        again=Case(When(origin="replayed", then=True), default=False, output_field=BooleanField()),
        said=Coalesce("judgment_id", 0),
        mended=Coalesce("correction_id", 0),
    )


def _partner(version: DatasetVersion) -> Any:
    """The same row in the other version, for an Exists; the query around it is _keyed too."""
    return _keyed(DatasetRow.objects.filter(version=version)).filter(
        trace=OuterRef("trace"), conversation=OuterRef("conversation"), part=OuterRef("part"), again=OuterRef("again")
    )


def _differs(what: str) -> Q:
    conditions = {
        "content": ~Q(digest=OuterRef("digest")),
        "revision": ~Q(revision=OuterRef("revision")),
        "judgment": ~Q(said=OuterRef("said")),
        "correction": ~Q(mended=OuterRef("mended")),
        "split": ~Q(split=OuterRef("split")),
    }
    return conditions[what] if what else Q(*conditions.values(), _connector=Q.OR)


def _why(there: DatasetVersion, older: DatasetVersion | None) -> Any:
    """Why `there` has no such row, as in _COUNT; `older` is the version that it is where rows came."""
    said = DatasetDecision.objects.filter(version=there, trace=OuterRef("trace"))
    code = Case(When(included=True, then=Value("other_row")), default=F("reason"), output_field=CharField())
    if older is not None:
        unseen = [When(trace__received_at__gt=older.created_at, then=Value("came_later"))]
    else:
        unseen = [
            When(trace__erased_at__isnull=False, then=Value("erased_since")),
            When(trace__archived_at__isnull=False, then=Value("archived_since")),
        ]
    default = Case(*unseen, default=Value("outside"), output_field=CharField())
    return Coalesce(Subquery(said.values(code=code)[:1]), default, output_field=CharField())


def _with_partners(rows: list[DatasetRow], there: DatasetVersion) -> list[Shown]:
    """Changed rows with what they were. One query."""
    found = DatasetRow.objects.filter(version=there, trace__in=[row.trace_id for row in rows])
    others = {_key(row): row for row in found.select_related("revision", "judgment", "correction").defer(
        "revision__document", "revision__import_notes", "correction__messages", "content")}  # fmt: skip
    shown = []
    for row in rows:
        other = others[_key(row)]
        flags = {
            "content": row.digest != other.digest,
            "revision": row.revision_id != other.revision_id,
            "judgment": row.judgment_id != other.judgment_id,
            "correction": row.correction_id != other.correction_id,
            "split": row.split != other.split,
        }
        shown.append(Shown(row, other, tuple(name for name, is_so in flags.items() if is_so)))
    return shown


def _key(row: DatasetRow) -> tuple[int, int, int, bool]:
    return row.trace_id, row.conversation, row.part, row.origin == "replayed"
