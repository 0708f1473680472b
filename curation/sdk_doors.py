"""The fixed paths of SDKs: whose users change the address and the key, and nothing else.

Langfuse (Basic: any name, the token as password) sends spans to the OpenTelemetry door under its own path, scores to
/api/public/scores and, in older versions, to /api/public/ingestion. The OpenAI Agents SDK (Bearer) sends to
/v1/traces/ingest. LangSmith (x-api-key) asks /info what is taken and sends runs to /runs/batch and /runs/multipart, single
ones to /runs and /runs/ID, and feedback beside them or to /feedback. What each answers is what its SDK expects.
"""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from curation.ingest import inbox, langsmith_wire
from curation.ingest.formats import openai_agents_spans
from curation.ingest.parsed import Unreadable
from curation.ingest.sdk_wires import AGENTS, LANGSMITH
from curation.ingest.text import decode, parse
from curation.ingest.wire import check_json
from curation.intake_door import JSON, Answer, Delivery, Door, Refused
from curation.review import said, sdk_words
from curation.review.invalid import Invalid
from curation.tasks import work_off
from workspace.access import Actor
from workspace.nudge import nudge

MOST_TOLD = 50
_RUN = "/runs/"


def find(path: str) -> Door | None:
    """The door of a path; None where it is none of an SDK's."""
    if path in DOORS:
        return DOORS[path]
    if path.startswith(_RUN) and "/" not in path[len(_RUN) :] and len(path) > len(_RUN):
        return _ONE_RUN
    return None


def _json(delivery: Delivery) -> Any:
    check_json(delivery.body)
    return parse(decode(delivery.body.removeprefix(b"\xef\xbb\xbf")))


def _answer(status: int, value: Any) -> Answer:
    return Answer(json.dumps(value).encode(), status=status)


def _keep(delivery: Delivery, body: bytes, wanted: str) -> None:
    record = inbox.keep(
        project=delivery.token.project,
        actor=Actor(token=delivery.token),
        body=body,
        source=delivery.path,
        content_type=JSON,
        wanted=wanted,
    )
    nudge(work_off, record.pk)


def _told(rejected: list[str]) -> dict[str, Any]:
    """How many pieces were refused, and the first reasons."""
    return {"rejected": len(rejected), "reasons": rejected[:MOST_TOLD]}


class _Heard(NamedTuple):
    """What became of a word: why it was refused, or what its sender should know; "" for neither."""

    reason: str = ""
    note: str = ""


def _say(delivery: Delivery, word: sdk_words.Word) -> _Heard:
    """Store one word."""
    project, actor, note = delivery.token.project, Actor(token=delivery.token), ""
    try:
        if word.value is not None:
            note = said.say_score(project=project, actor=actor, about=word.about, value=word.value).note
        if word.opinion is not None:
            said.say_feedback(project=project, actor=actor, about=word.about, opinion=word.opinion)
    except Invalid as error:
        return _Heard(reason=str(error))
    return _Heard(note=note)


def _notes(heard: Iterable[_Heard]) -> dict[str, list[str]]:
    """What a sender should know, each thing once; {} for nothing."""
    notes = list(dict.fromkeys(one.note for one in heard if one.note))
    return {"notes": notes[:MOST_TOLD]} if notes else {}


# --- Langfuse


def _take_scores(delivery: Delivery) -> Answer:
    """One score (200 with its id) or a list (202, or 207 where some were refused)."""
    given = _json(delivery)
    many = given if isinstance(given, list) else [given]
    heard = [_score(delivery, item) for item in many]
    errors = [
        {"index": number, "message": f"[{number}] {one.reason}"} for number, one in enumerate(heard) if one.reason
    ]
    if many is not given:
        if errors:
            raise Refused(400, heard[0].reason)
        return _answer(200, {"id": str(given.get("id") or ""), **_notes(heard)})
    if errors:
        return _answer(
            207, {"accepted": len(many) - len(errors), "rejected": len(errors), "errors": errors, **_notes(heard)}
        )
    return _answer(202, {"message": "Accepted", **_notes(heard)})


def _score(delivery: Delivery, item: Any) -> _Heard:
    try:
        return _say(delivery, sdk_words.langfuse_score(item))
    except Invalid as error:
        return _Heard(reason=str(error))


def _take_events(delivery: Delivery) -> Answer:
    """Events of older SDKs: scores are taken; the others' spans come over OpenTelemetry in newer ones. Always a 207."""
    given = _json(delivery)
    events = given.get("batch") if isinstance(given, dict) else None
    if not isinstance(events, list):
        raise Unreadable('the body is no object with a list "batch" of events')
    done: dict[str, list[dict[str, Any]]] = {"successes": [], "errors": []}
    heard: list[_Heard] = []
    for event in events:
        kind = event.get("type") if isinstance(event, dict) else None
        name = {"id": str(event.get("id") or "") if isinstance(event, dict) else ""}
        if kind == "score-create":
            heard.append(_score(delivery, event.get("body")))
            reason = heard[-1].reason
        else:
            reason = f"events of type {str(kind)[:40]!r} are not taken; use an SDK that sends spans over OpenTelemetry"
        if reason:
            done["errors"].append({**name, "status": 400, "message": reason, "error": reason})
        else:
            done["successes"].append({**name, "status": 201})
    return _answer(207, {**done, **_notes(heard)})


def _tell_projects(delivery: Delivery) -> Answer:
    """What the SDK's auth_check asks for: the project of the token."""
    project = delivery.token.project
    whole = {"id": project.slug, "name": project.name}
    return _answer(200, {"data": [{**whole, "organization": whole, "metadata": {}}]})


# --- OpenAI Agents


def _take_agents(delivery: Delivery) -> Answer:
    batch = openai_agents_spans.decode_body(delivery.body)
    if batch["rejected"] and not batch["spans"]:
        raise Unreadable("; ".join(batch["rejected"][:5]))
    if batch["spans"]:
        _keep(delivery, delivery.body, AGENTS)
    return _answer(200, {"accepted": len(batch["spans"]), **_told(batch["rejected"])})


# --- LangSmith


def _take_runs(delivery: Delivery) -> Answer:
    kind = delivery.headers.get("content-type", JSON)
    return _runs(delivery, langsmith_wire.decode_body(delivery.body, kind))


def _take_run(delivery: Delivery) -> Answer:
    """One run by itself: its beginning (POST /runs) or its end (PATCH /runs/ID)."""
    run = _json(delivery)
    if not isinstance(run, dict):
        raise Unreadable("the body is no object")
    how = "post"
    if delivery.path != "/runs":
        how, run = "patch", {**run, "id": delivery.path[len(_RUN) :]}
    return _runs(delivery, langsmith_wire.decode_body(json.dumps({how: [run]}).encode()))


def _runs(delivery: Delivery, batch: langsmith_wire.Batch) -> Answer:
    """Multipart bodies are kept as the JSON that they amount to, without attachments."""
    if batch.rejected and not batch.runs and not batch.feedback:
        raise Unreadable("; ".join(batch.rejected[:5]))
    if batch.runs:
        _keep(delivery, langsmith_wire.as_json(batch), LANGSMITH)
    heard = [_feedback(delivery, item) for item in batch.feedback]
    rejected = batch.rejected + [
        f"feedback {str(item.get('id'))[:60]!r}: {one.reason}"
        for item, one in zip(batch.feedback, heard, strict=True)
        if one.reason
    ]
    return _answer(202, {"message": "Runs batch ingested", **_told(rejected), **_notes(heard)})


def _take_feedback(delivery: Delivery) -> Answer:
    given = _json(delivery)
    heard = _feedback(delivery, given)
    if heard.reason:
        raise Refused(422, heard.reason)
    return _answer(200, {**given, **_notes([heard])})


def _feedback(delivery: Delivery, item: Any) -> _Heard:
    try:
        word = sdk_words.langsmith_feedback(item)
    except Invalid as error:
        return _Heard(reason=str(error))
    return _say(delivery, word)


def _tell_info(delivery: Delivery) -> Answer:
    """What this server takes; not asked for a token. Bodies are gzip or plain, so no zstd."""
    limits = {"use_multipart_endpoint": True, "size_limit": 100, "size_limit_bytes": 8 * 1024 * 1024,
              "scale_up_qsize_trigger": 1000, "scale_up_nthreads_limit": 4, "scale_down_nempty_trigger": 4}  # fmt: skip
    return _answer(200, {"version": "0.8.10", "instance_flags": {}, "batch_ingest_config": limits})


_GET = ("GET",)
_ONE_RUN = Door(take=_take_run, methods=("PATCH",))
DOORS: dict[str, Door] = {
    "/api/public/scores": Door(take=_take_scores),
    "/api/public/ingestion": Door(take=_take_events),
    "/api/public/projects": Door(take=_tell_projects, kinds=(), methods=_GET, stores=False),
    "/v1/traces/ingest": Door(take=_take_agents),
    "/runs": Door(take=_take_run),
    "/runs/batch": Door(take=_take_runs),
    "/runs/multipart": Door(take=_take_runs, kinds=("multipart/form-data",)),
    "/feedback": Door(take=_take_feedback),
    "/info": Door(take=_tell_info, kinds=(), methods=_GET, stores=False, is_open=True),
}
