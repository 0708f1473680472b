"""Makes rows for tests: as few arguments as a test cares about."""

import itertools
from datetime import datetime
from typing import Any

from django.utils import timezone

from curation.ingest import store
from curation.ingest.parsed import ParsedTrace
from curation.messages.form import Conversation, Document, Message, ToolCall, message
from curation.models import Dataset, DatasetRow, DatasetVersion, Judgment, Replay, Trace
from evaluation.models import EvaluationRun, Suite
from training.models import ModelVersion, TrainingRun
from workspace.models import Project, User

_numbers = itertools.count(1)


def count_from_one() -> None:
    """Names are told apart by a number. Each test begins with 1, so that what is drawn by name is the same in any order of
    tests."""
    global _numbers
    _numbers = itertools.count(1)


def number() -> int:
    """The next one."""
    return next(_numbers)


def call(name: str, arguments: str = "{}", id: str = "call_1") -> ToolCall:
    """A tool call."""
    return {"id": id, "name": name, "arguments": arguments}


def tool_result(text: str, id: str = "call_1", **extra: Any) -> Message:
    """The result of a call."""
    return message("tool", text, tool_call_id=id, **extra)


def document(*messages: Message, tools: list[dict[str, str]] | None = None) -> Document:
    """A document with one conversation."""
    main: Conversation = {"id": "main", "name": "", "kind": "main", "messages": list(messages), "tools": tools or []}  # type: ignore[typeddict-item]
    return {"conversations": [main]}


ORDER_TOOL = {
    "name": "get_order",
    "description": "Look an order up",
    "parameters": '{"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}',
}


def short_document(question: str = "Where is order 1017?", answer: str = "It left the depot this morning.") -> Document:
    """System, question, one tool call with its result, answer."""
    return document(
        message("system", "You help customers of a shop."),
        message("user", question),
        message("assistant", "", tool_calls=[call("get_order", '{"order_id": "1017"}')], latency_ms=420),
        tool_result('{"status": "shipped"}', latency_ms=38),
        message("assistant", answer, latency_ms=610),
        tools=[ORDER_TOOL],
    )


def trace(
    project: Project, *, said: Document | None = None, received_at: datetime | None = None, **fields: Any
) -> Trace:
    """A stored trace; `fields` are those of ParsedTrace."""
    number = next(_numbers)
    parsed = ParsedTrace(
        external_id=fields.pop("external_id", f"trace-{number}"),
        document=said or short_document(question=f"Where is order {1000 + number}?"),
        **{"agent": "support", "model": "support-1", "latency_ms": 1200 + number, **fields},
    )
    store.store_trace(project=project, parsed=parsed, received_at=received_at or timezone.now())
    return Trace.objects.get(project=project, external_id=parsed.external_id)


def row(project: Project, **fields: Any) -> Trace:
    """Only the narrow row that lists and filters see, without a revision: quick, for tests of many traces."""
    number = next(_numbers)
    values = {
        "external_id": f"row-{number}", "preview": f"Where is order {1000 + number}?", "agent": "support", "steps": 4,
        "received_at": timezone.now(), **fields,
    }  # fmt: skip
    return Trace.objects.create(project=project, **values)


def judgment(trace: Trace, user: User, verdict: str = "acceptable", **fields: Any) -> Judgment:
    """A judgment by the work function, so that the trace's effective verdict follows."""
    from curation.review import judgments
    from workspace.access import Actor

    made = judgments.record(
        project=trace.project, trace_uid=trace.uid, actor=Actor(user=user), verdict=verdict, **fields
    )
    return Judgment.objects.get(uid=made.uid)


def dataset_version(
    project: Project, *, train: int = 16, validation: int = 4, test: int = 0, name: str = "support", said: Any = None,
    **counts: Any,
) -> DatasetVersion:  # fmt: skip
    """A frozen version with rows of its own; `said(number)` gives the document of each, `counts` what else it counted."""
    dataset, _ = Dataset.objects.get_or_create(project=project, name=name)
    number = dataset.versions.count() + 1
    splits = ["train"] * train + ["validation"] * validation + ["test"] * test
    version = DatasetVersion.objects.create(
        dataset=dataset, number=number, content_hash=f"{name}-{number}".ljust(64, "0"), author="tests",
        counts={
            "in_project": len(splits), "looked_at": len(splits), "rows": len(splits),
            "train": train, "validation": validation, "test": test,
            "groups": {"train": train, "validation": validation, "test": test},
            "by_reason": {"taken_unjudged": len(splits)}, "shared_inputs": 0, "judges": 0, "judged": 0,
            "tokens": None, "trained_tokens": None, "length": {"median": None, "p95": None, "most": None},
            "checks": {}, "warnings": [], **counts,
        },
    )  # fmt: skip
    for position, split in enumerate(splits, start=1):
        row = trace(project, said=said(position) if said else short_document(question=f"Where is order {position}?"))
        assert row.revision is not None
        DatasetRow.objects.create(
            version=version, position=position, trace=row, revision=row.revision, split=split,
            split_group=str(position), digest=row.revision.digest,
        )  # fmt: skip
    return version


def run(
    project: Project, *, status: str = "queued", version: DatasetVersion | None = None, **fields: Any
) -> TrainingRun:
    """A training run on the tiny model, as a row only."""
    from training.artifacts import bases
    from training.recipes import sft

    return TrainingRun.objects.create(
        project=project,
        name=fields.pop("name", f"run-{next(_numbers)}"),
        dataset_version=version or dataset_version(project),
        base=fields.pop("base", None) or bases.ensure_tiny(project),
        settings=sft.check(fields.pop("settings", {}), source="tiny"),
        status=status,
        author="tests",
        queued_at=timezone.now(),
        **fields,
    )


def tool_document(number: int) -> Document:
    """A question that a tool call answers: the reference of a scenario is that call."""
    return document(
        message("system", "You help customers of a shop."),
        message("user", f"Where is order {number}?"),
        message("assistant", "", tool_calls=[call("get_order", f'{{"order_id": "{number}"}}')]),
        tools=[ORDER_TOOL],
    )


def suite(project: Project, *, scenarios: int = 4, said: Any = None, **fields: Any) -> Suite:
    """A suite of the test split of a version of its own; by default its references are tool calls."""
    from evaluation.suites import build
    from workspace.access import SYSTEM

    version = dataset_version(
        project, train=1, validation=0, test=scenarios, name=f"held-{next(_numbers)}", said=said or tool_document
    )
    return build.make_suite(version=version, actor=SYSTEM, **fields)


def model(project: Project, name: str = "tuned", **fields: Any) -> ModelVersion:
    """A model as a row only; over a connection by default."""
    source = fields.pop("source", "folder")
    number = ModelVersion.objects.filter(project=project, name=name).count() + 1
    return ModelVersion.objects.create(project=project, name=name, number=number, source=source, **fields)


def answered(suite: Suite, model: ModelVersion, right: Any, **fields: Any) -> EvaluationRun:
    """A finished run: `right(position)` says True (the reference), False (something else) or None (an error)."""
    from evaluation.runs import answers
    from evaluation.runs import request as runs

    run = runs.request_run(suite=suite, model=model, settings=runs.read_settings({}))
    said = []
    for scenario in suite.scenarios.order_by("position"):
        yes = right(scenario.position)
        spoken = None if yes is None else scenario.reference if yes else message("assistant", "I cannot help.")
        measured = {"latency_ms": 500 + scenario.position % 7, "input_tokens": 40, "output_tokens": 9, **fields}
        said.append(answers.Said(scenario, spoken, error="" if spoken else "Timed out.", **measured))
    answers.store(run=run, said=said)
    answers.finish(run)
    run.refresh_from_db()
    return run


def _as_document(messages: list[Message]) -> Document:
    return document(*messages, tools=[ORDER_TOOL])


again = trace


def replay(trace: Trace, user: User, *, answer: str = "It left the depot yesterday.", **fields: Any) -> Replay:
    """An answered replay of the last step of a trace, with its own trace."""
    from workspace.models import Connection

    assert trace.revision is not None
    line, _ = Connection.objects.get_or_create(
        project=trace.project, name="Models", base_url="https://models.example/v1", default_model="other-1"
    )
    messages = trace.revision.document["conversations"][0]["messages"]
    made = again(trace.project, said=_as_document([*messages[:-1], message("assistant", answer)]))
    Trace.objects.filter(pk=made.pk).update(is_replay=True, source_format="replay")
    return Replay.objects.create(
        project=trace.project, trace=trace, revision=trace.revision, step_key=f"c0m{len(messages) - 1}", connection=line,
        model="other-1", messages=[], settings={"max_tokens": 1024}, changed=["system prompt", "model other-1"],
        estimate_usd="0.0123", cost_usd="0.0042", latency_ms=1834, status="done", result=made, user=user, author=str(user),
        idempotency_key=f"replay-{next(_numbers)}", asked_at=timezone.now(), ended_at=timezone.now(), **fields,
    )  # fmt: skip
