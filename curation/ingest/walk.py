"""Going through the records of a source, one trace (or a few) out of each."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from curation.ingest.parsed import ParsedTrace, Rejected, Unreadable
from curation.ingest.text import Source


def each_record(
    source: Source, read: Callable[[Any], ParsedTrace | Iterable[ParsedTrace]]
) -> Iterator[tuple[str, ParsedTrace] | Rejected]:
    """(where, trace) for everything `read` makes of each record; a record it raises Unreadable for is rejected."""
    for item in source.records():
        if isinstance(item, Rejected):
            yield item
            continue
        where, record = item
        try:
            found = read(record)
            traces = [found] if isinstance(found, ParsedTrace) else list(found)
        except Unreadable as error:
            yield Rejected(where, str(error))
            continue
        for trace in traces:
            yield where, trace
