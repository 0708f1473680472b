"""The tables of docs/filters.md, made from the registry so that they cannot fall behind it."""

from collections.abc import Iterable

from curation.filters.registry import FIELDS, STEP_FIELDS, Field


def fields_table() -> str:
    """Every field of a trace, as Markdown."""
    return _table(FIELDS.values())


def steps_table() -> str:
    """Every field of a step, as Markdown."""
    return _table(STEP_FIELDS.values())


def _table(fields: Iterable[Field]) -> str:
    lines = ["| field | meaning | example |", "|---|---|---|"]
    for field in fields:
        name = {"score": "score.NAME", "meta": "meta.KEY:"}.get(field.name, field.name + ("" if field.numeric else ":"))
        meaning = " ".join(filter(None, (field.help, field.more)))
        lines.append(f"| `{name}` | {meaning} | {' '.join(f'`{one}`' for one in field.examples)} |")
    return "\n".join(lines) + "\n"
