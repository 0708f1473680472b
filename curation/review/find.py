"""Words in a run, wherever they stand: in parts that no page has drawn, behind folds, in arguments and results."""

import json
from dataclasses import dataclass
from typing import Any

from curation.messages.clean import read_inside
from curation.review.blocks import Block
from curation.review.parts import every
from curation.review.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Hit:
    """A block that holds the words: its id, the number of its part, and how often they stand in it."""

    block: str
    part: int
    times: int


@dataclass(frozen=True, slots=True)
class Found:
    """All hits in reading order; `blocks` is how many blocks were searched, `times` how often the words were found."""

    hits: list[Hit]
    blocks: int
    times: int


def find(run: Transcript, words: str) -> Found:
    """Look for `words` as they stand, capitals or not, in everything the run shows. Nothing is left out."""
    wanted = words.strip().lower()
    hits: list[Hit] = []
    searched = 0
    for part in run.parts:
        for block in every(part.blocks):
            if block.kind in ("parallel", "agent") or block.state == "silent":
                continue
            searched += 1
            times = sum(text.lower().count(wanted) for text in _texts(block)) if wanted else 0
            if times:
                hits.append(Hit(block.id, part.number, times))
    return Found(hits, searched, sum(hit.times for hit in hits))


def _texts(block: Block) -> list[str]:
    """The texts of a block as a reader sees them: arguments of calls without the escapes of JSON."""
    texts = list(block.texts)
    if block.kind == "call" and len(texts) > 1 and "\\" in texts[1]:
        try:
            texts[1] = "\n".join(_leaves(read_inside(texts[1])))
        except ValueError:
            return texts  # no JSON: shown as it came
    return texts


def _leaves(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for key, one in value.items() for text in (str(key), *_leaves(one))]
    if isinstance(value, list):
        return [text for one in value for text in _leaves(one)]
    return [value if isinstance(value, str) else json.dumps(value)]
