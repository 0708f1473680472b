"""The formats of files and posted records, one module each, and finding out which one something is.

A format has NAME, LABEL, GROUP, `detect(sample)` and `read(source)`. OpenTelemetry's formats work on spans and have a
registry of their own (`curation.ingest.assemble`).
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from curation.ingest.formats import (
    alpaca,
    anthropic,
    argilla,
    atif,
    dpo,
    kto,
    label_studio,
    langfuse,
    langsmith,
    mastra_events,
    mlflow,
    openai_agents,
    openai_chat,
    openai_items,
    otlp_json,
    phoenix,
    sharegpt,
    tau_bench,
    trajectory,
)
from curation.ingest.parsed import ParsedTrace, Unreadable
from curation.ingest.parsed import Rejected as Rejected
from curation.ingest.text import SAMPLE_RECORDS, Source

Read = Callable[[Source], Iterator[tuple[str, ParsedTrace] | Rejected]]


@dataclass(frozen=True, slots=True)
class Format:
    """One format of records. `read` gives (where, trace) pairs and Rejected ones; `group` is a heading for lists."""

    name: str
    label: str
    group: str
    detect: Callable[[list[Any]], bool]
    read: Read


FORMATS = {
    module.NAME: Format(module.NAME, module.LABEL, module.GROUP, module.detect, module.read)
    for module in (
        openai_chat,
        openai_items,
        anthropic,
        sharegpt,
        alpaca,
        dpo,
        kto,
        trajectory,
        atif,
        tau_bench,
        langfuse,
        langsmith,
        phoenix,
        mlflow,
        mastra_events,
        openai_agents,
        otlp_json,
        label_studio,
        argilla,
    )
}
AUTO = "auto"
_SHAPES = {
    "array": "a JSON array of",
    "lines": "JSON lines of",
    "document": "one JSON document:",
    "sqlite": "a SQLite file with sessions,",
}


def grouped() -> list[tuple[str, list[Format]]]:
    """The formats under their headings, in the order of the registry."""
    groups: dict[str, list[Format]] = {}
    for known in FORMATS.values():
        groups.setdefault(known.group, []).append(known)
    return list(groups.items())


def choose(source: Source, wanted: str) -> Format:
    """The format called `wanted`, or for "auto" the only one that recognises the first records; that one also rejects
    later records that are of another format, by its name.

    Raises Unreadable: unknown name, nothing recognised (saying what was seen), several formats in one file (saying which
    records are of which), or several that would fit (asking to choose).
    """
    if wanted != AUTO:
        if wanted not in FORMATS:
            raise Unreadable(f"there is no format {wanted[:40]!r}; choose one of {', '.join([AUTO, *FORMATS])}")
        return FORMATS[wanted]
    found = [known for known in FORMATS.values() if known.detect(source.sample)]
    if len(found) == 1:
        known = found[0]
        return replace(known, read=lambda source: known.read(_without_others(source, known)))
    if found:
        if mixed := _who_is_what(source, found):
            raise Unreadable(f"several formats in one file: {mixed}. Give each in a file of its own")
        names = " or ".join(known.name for known in found)
        raise Unreadable(f"this could be {names}; say which with --format (in the API: ?format=)")
    raise Unreadable(f"the format is not known. Seen: {describe(source)}. Known: {', '.join(FORMATS)}")


def _without_others(source: Source, known: Format) -> Source:
    """The source in which records that another format claims, and this one does not, are rejected. Where the records are
    pieces of one list, nothing can be said of a single one."""
    if not source.sample or not known.detect(source.sample[:1]):
        return source
    others = [other for other in FORMATS.values() if other.name != known.name]

    def records() -> Iterator[tuple[str, Any] | Rejected]:
        for item in source.records():
            if not isinstance(item, Rejected) and not known.detect([item[1]]):
                claimed = [other.name for other in others if other.detect([item[1]])]
                if claimed:
                    reason = f"this is {' or '.join(claimed)}, and the file began as {known.name}; give it in a file of its own"
                    yield Rejected(item[0], reason)
                    continue
            yield item

    return replace(source, records=records)


def _who_is_what(source: Source, found: list[Format]) -> str:
    """Which of the first records are of which format, in words; "" where some fit several."""
    places: dict[str, list[str]] = {}
    for item in itertools.islice(source.records(), SAMPLE_RECORDS):
        if isinstance(item, Rejected):
            continue
        names = [known.name for known in found if known.detect([item[1]])]
        if len(names) > 1:
            return ""
        for name in names:
            places.setdefault(name, []).append(item[0])
    if len(places) < 2:
        return ""
    return "; ".join(f"{_listed(where)} {name}" for name, where in places.items())


def _listed(places: list[str]) -> str:
    """ "lines 1, 2 and 5 more are"."""
    kind = places[0].partition(" ")[0]
    numbers = [place.partition(" ")[2] for place in places]
    if len(numbers) == 1:
        return f"{kind} {numbers[0]} is"
    shown = ", ".join(numbers[:8])
    return f"{kind}s {shown}{f' and {len(numbers) - 8} more' if len(numbers) > 8 else ''} are"


def describe(source: Source) -> str:
    """The shape of a source in a few words, for people."""
    shape = _SHAPES[source.shape]
    if not source.sample:
        return f"{shape} nothing"
    first = source.sample[0]
    if isinstance(first, dict):
        keys = [str(key)[:30] for key in list(first)[:8]]
        return f"{shape} objects with the keys {', '.join(keys) or '(none)'}{', ...' if len(first) > 8 else ''}"
    return f"{shape} {type(first).__name__} values"
