"""Demo traces as a file that somebody else might have written: OpenAI chat messages, one record a line."""

import json
from pathlib import Path

from curation.datasets.example import Example
from curation.datasets.exporting.formats import openai_sft
from curation.demo.outcome import DemoTrace
from curation.messages.form import main_conversation


def write_records(rows: list[DemoTrace], path: Path) -> None:
    """Write the main conversation of each trace with its plain fields, as `import_traces` reads them."""
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            trace = row.trace
            conversation = main_conversation(trace.document)
            record = {
                **openai_sft.write(Example(conversation["messages"], conversation["tools"])),
                "id": trace.external_id,
                "name": trace.name,
                "agent": trace.agent,
                "model": trace.model,
                "session_id": trace.session_id,
                "user_id": trace.user_id,
                "environment": trace.environment,
                "started_at": trace.started_at.isoformat() if trace.started_at else None,
                "latency_ms": trace.latency_ms,
                "cost_usd": str(trace.cost_usd),
                "status": trace.status,
                "tags": trace.tags,
                "metadata": trace.metadata,
            }
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
