"""The formats of files and posted records, one module each, and finding out which one something is.

A format has NAME, LABEL, `detect(sample)` and `read(source)`. OpenTelemetry's formats work on spans and have a registry
of their own (`curation.ingest.assemble`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from curation.ingest.formats import openai_chat, openai_items, tau_bench
from curation.ingest.parsed import ParsedTrace, Unreadable
from curation.ingest.parsed import Rejected as Rejected
from curation.ingest.text import Source


@dataclass(frozen=True, slots=True)
class Format:
    """One format of records. `read` gives (where, trace) pairs and Rejected ones."""

    name: str
    label: str
    detect: Callable[[list[Any]], bool]
    read: Callable[[Source], Iterator[tuple[str, ParsedTrace] | Rejected]]


FORMATS = {
    module.NAME: Format(module.NAME, module.LABEL, module.detect, module.read)
    for module in (openai_chat, openai_items, tau_bench)
}
AUTO = "auto"


def choose(source: Source, wanted: str) -> Format:
    """The format called `wanted`, or for "auto" the only one that recognises the first records.

    Raises Unreadable: unknown name, nothing recognised (saying what was seen), or several (asking to choose).
    """
    if wanted != AUTO:
        if wanted not in FORMATS:
            raise Unreadable(f"there is no format {wanted[:40]!r}; choose one of {', '.join([AUTO, *FORMATS])}")
        return FORMATS[wanted]
    found = [known for known in FORMATS.values() if known.detect(source.sample)]
    if len(found) == 1:
        return found[0]
    if found:
        names = " or ".join(known.name for known in found)
        raise Unreadable(f"this could be {names}; say which with --format (in the API: ?format=)")
    raise Unreadable(f"the format is not known. Seen: {describe(source)}. Known: {', '.join(FORMATS)}")


def describe(source: Source) -> str:
    """The shape of a source in a few words, for people."""
    shape = {"array": "a JSON array of", "lines": "JSON lines of", "document": "one JSON document:"}[source.shape]
    if not source.sample:
        return f"{shape} nothing"
    first = source.sample[0]
    if isinstance(first, dict):
        keys = [str(key)[:30] for key in list(first)[:8]]
        return f"{shape} objects with the keys {', '.join(keys) or '(none)'}{', ...' if len(first) > 8 else ''}"
    return f"{shape} {type(first).__name__} values"
