"""How a body of an SDK's own wire is worked off, by the name that stands in RawRecord.format."""

from collections.abc import Callable

from curation.ingest import langsmith_wire
from curation.ingest.bodies import opened
from curation.ingest.formats import langsmith_runs, openai_agents_spans
from curation.ingest.outcome import Outcome
from curation.ingest.span_store import store_spans
from curation.models import RawRecord

AGENTS, LANGSMITH = "openai_agents_spans", "langsmith_runs"


def _agents(record: RawRecord) -> Outcome:
    batch = openai_agents_spans.decode_body(opened(record.body, record.packing))
    outcome = store_spans(project=record.project, spans=batch["spans"], raw=record)
    for reason in batch["rejected"]:
        outcome.reject("a span", reason)
    outcome.format = openai_agents_spans.NAME
    return outcome


def _langsmith(record: RawRecord) -> Outcome:
    batch = langsmith_wire.decode_body(opened(record.body, record.packing))
    outcome = langsmith_wire.store_runs(project=record.project, batch=batch, raw=record)
    outcome.format = langsmith_runs.NAME
    return outcome


# each is called inside a transaction, with the record locked; raises Unreadable
WIRES: dict[str, Callable[[RawRecord], Outcome]] = {AGENTS: _agents, LANGSMITH: _langsmith}
