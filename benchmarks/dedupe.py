"""Near-duplicates among many texts, beside the bare library that works out the signatures.

    python -m benchmarks.dedupe [--quick]

100,000 texts of 128 words; of these 4.5 % are copies, 6.7 % have 3 % of their words changed and 3.8 % have 10 % changed. The
bare call is rensa's MinHash and LSH over 5-word shingles of the same texts, split at spaces: it says that a text has a
candidate. Ours keeps the signatures and verifies every pair. Both in one process, in alternating pairs.
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Container

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.test"

import django

django.setup()

import rensa  # noqa: E402

from benchmarks.report import Bar, Figure, Spread, alternate, report  # noqa: E402
from curation.datasets.selecting import near, prints  # noqa: E402

WORDS, THRESHOLD, LOWER, CHUNK = 128, 0.8, 0.7, 2_000
KINDS = {"copy": (0.045, 0.0), "changed_3": (0.067, 0.03), "changed_10": (0.038, 0.10)}


def main() -> int:
    """Make the texts, run both, compare with what was planted, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10,000 texts instead of 100,000")
    number, pairs = (10_000, 3) if parser.parse_args().quick else (100_000, 5)
    texts, planted = made(number)
    ours, library, ratios = alternate(lambda: seconds(passed, texts), lambda: seconds(bare, texts), pairs=pairs)
    signatures = signed(texts)
    kept = near.kept(signatures, threshold=THRESHOLD)
    begun = time.perf_counter()
    near.kept(signatures, threshold=THRESHOLD)
    cached = time.perf_counter() - begun
    found = {index: like for index, like in enumerate(kept) if like is not None}
    lower = {index for index, like in enumerate(near.kept(signatures, threshold=LOWER)) if like is not None}
    of_kind = {kind: [index for index, (_, one) in planted.items() if one == kind] for kind in KINDS}
    close = [index for index, (first, _) in planted.items() if jaccard(texts[index], texts[first]) >= THRESHOLD + 0.07]
    wrong = sum(jaccard(texts[index], texts[like.row]) < 0.5 for index, like in found.items())
    ratio = Spread.of(ratios)
    return report(
        "dedupe",
        [
            Figure("texts", number, "texts", note=f"{WORDS} words each"),
            Figure("seconds", Spread.of(ours), "s", note="words, signatures, candidates, verified pairs"),
            Figure("bare_seconds", Spread.of(library), "s", note="rensa RMinHash and RMinHashLSH"),
            Figure("ratio_to_bare", ratio, "", note="of each pair"),
            Figure("cached_seconds", round(cached, 3), "s", note="the pass where the signatures are there"),
            Figure(
                "recall",
                share(close, found),
                "",
                note=f"of pairs of a true similarity of {THRESHOLD + 0.07:.2f} and more",
            ),
            *(Figure(f"found_{kind}", share(of_kind[kind], set(found)), "", note=note(kind)) for kind in KINDS),
            *(
                Figure(f"found_at_{LOWER:g}_{kind}", share(of_kind[kind], lower), "", note="asked for 0.7")
                for kind in KINDS
            ),
            Figure("wrong_pairs", wrong, "pairs", note="true Jaccard similarity below 0.5"),
        ],
        [
            Bar("ratio_to_bare", ratio.median, at_most=1.3),
            Bar("found_copy", share(of_kind["copy"], found), at_least=1.0),
            Bar("recall", share(close, found), at_least=0.95),
            Bar("wrong_pairs", wrong, at_most=0),
        ],
    )


def note(kind: str) -> str:
    """What was planted, in words."""
    parts, changed = KINDS[kind]
    return f"{parts:.1%} of the texts, {changed:.0%} of their words changed"


def made(number: int) -> tuple[list[str], dict[int, tuple[int, str]]]:
    """The texts, and which are made from which: index -> (index of the first, kind)."""
    chance = random.Random(3)
    known = [f"{chance.choice('bcdfglmnprst')}{chance.choice('aeiou')}{n}" for n in range(20_000)]
    planted_number = {kind: round(number * part) for kind, (part, _) in KINDS.items()}
    texts = [" ".join(chance.choices(known, k=WORDS)) for _ in range(number - sum(planted_number.values()))]
    fresh = len(texts)
    planted: dict[int, tuple[int, str]] = {}
    for kind, count in planted_number.items():
        for _ in range(count):
            first = chance.randrange(fresh)
            words = [
                chance.choice(known) if chance.random() < KINDS[kind][1] else word for word in texts[first].split()
            ]
            planted[len(texts)] = (first, kind)
            texts.append(" ".join(words))
    return texts, planted


def seconds(act: object, texts: list[str]) -> float:
    """How long a pass over the texts takes."""
    begun = time.perf_counter()
    act(texts)  # type: ignore[operator]
    return time.perf_counter() - begun


def signed(texts: list[str]) -> list[bytes]:
    """The signatures, some at a time."""
    found: list[bytes] = []
    for start in range(0, len(texts), CHUNK):
        found += prints.minhashes([prints.words_in([text]) for text in texts[start : start + CHUNK]])
    return found


def passed(texts: list[str]) -> int:
    """Our pass: returns how many texts are like an earlier one."""
    return sum(like is not None for like in near.kept(signed(texts), threshold=THRESHOLD))


def bare(texts: list[str]) -> int:
    """The library alone: returns how many texts have a candidate before them."""
    index = rensa.RMinHashLSH(THRESHOLD, prints.PERMUTATIONS, 16)
    found = 0
    for number, text in enumerate(texts):
        words = text.lower().split()
        signature = rensa.RMinHash(prints.PERMUTATIONS, 42)
        signature.update([" ".join(words[start : start + 5]) for start in range(len(words) - 4)])
        found += bool(index.query(signature))
        index.insert(number, signature)
    return found


def share(wanted: list[int], found: Container[int]) -> float:
    """The part of the planted ones that were found."""
    return round(sum(index in found for index in wanted) / max(1, len(wanted)), 3)


def jaccard(one: str, other: str) -> float:
    """The true similarity of the 5-word shingles."""
    first, second = (shingles(text.split()) for text in (one, other))
    return len(first & second) / len(first | second)


def shingles(words: list[str]) -> set[tuple[str, ...]]:
    """The runs of five words."""
    return {tuple(words[start : start + 5]) for start in range(len(words) - 4)}


if __name__ == "__main__":
    sys.exit(main())
