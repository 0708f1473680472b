"""From what annotators answered to judgments, scores, notes and corrections. Labels that stand for no verdict are listed,
never guessed.

One annotation is the answers of one person to one task: choices (labels), ratings and texts, each under the name of its
question. Rules:

- A label in ACCEPTABLE, UNACCEPTABLE or UNSURE (whatever its case) is a verdict. yes, no, true, false, positive and
  negative are not: nobody can say what was asked. A mapping names further ones ("label", or "question/label", which then
  alone counts for this annotation).
- Labels that are no verdict, and ratings, become scores with the question's name. A rating from 1 to 5 also stands on the
  judgment.
- A text under a name like correction, rewrite or better_answer is a correction; any other text is the judgment's note.
- Two different verdicts in one annotation are no verdict.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from curation.ingest.parsed import ParsedCorrection, ParsedJudgment, ParsedScore, ParsedTrace
from curation.messages.clean import Notes

ACCEPTABLE = {
    "acceptable", "accept", "accepted", "approve", "approved", "good", "correct", "right", "pass", "passed", "ok", "okay",
    "thumbs up", "👍",
}  # fmt: skip
UNACCEPTABLE = {
    "unacceptable", "not acceptable", "reject", "rejected", "bad", "incorrect", "wrong", "fail", "failed", "not ok",
    "thumbs down", "👎",
}  # fmt: skip
UNSURE = {"unsure", "not sure", "uncertain", "unclear"}
VERDICTS = {
    **dict.fromkeys(ACCEPTABLE, "acceptable"), **dict.fromkeys(UNACCEPTABLE, "unacceptable"),
    **dict.fromkeys(UNSURE, "unsure"),
}  # fmt: skip
_CORRECTION = re.compile(
    r"correction|corrected|rewrit|rewrote|improved|better|ideal|edited|suggested|gold", re.IGNORECASE
)
_NAMELESS = re.compile(r"[\s_-]+")


@dataclass(slots=True)
class Annotation:
    """What one person answered: {question: labels}, {question: rating}, {question: text}."""

    author: str
    id: str = ""
    at: datetime | None = None
    labels: dict[str, list[str]] = field(default_factory=dict)
    ratings: dict[str, float] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)


def verdict_of(label: str, question: str, verdicts: Mapping[str, str]) -> str:
    """acceptable, unacceptable or unsure; "" for a label that stands for none."""
    for key in (f"{question}/{label}", label):
        if key in verdicts:
            return verdicts[key]
    return VERDICTS.get(_NAMELESS.sub(" ", label).strip().lower(), "")


def take_annotation(trace: ParsedTrace, given: Annotation, verdicts: Mapping[str, str], notes: Notes) -> None:
    """Put one annotation on its trace."""
    named = {key.rpartition("/")[0] for key in verdicts if "/" in key} & given.labels.keys()
    found: set[str] = set()
    strangers: list[str] = []
    for question, labels in given.labels.items():
        for label in labels:
            verdict = "" if named and question not in named else verdict_of(label, question, verdicts)
            if verdict:
                found.add(verdict)
                continue
            strangers.append(f"{question}/{label}")
            trace.scores.append(_score(question, given, f"{label}", category=label))
    if len(found) > 1:
        notes.add(f"an annotation says {' and '.join(sorted(found))} at once; it became no judgment")
    elif not found and strangers:
        trace.unknown_labels += strangers
        notes.add("an annotation has no label that stands for a verdict; it became no judgment")
    for question, rating in given.ratings.items():
        trace.scores.append(_score(question, given, "rating", number=rating))
    _take_texts(trace, given)
    if len(found) == 1:
        trace.judgments.append(_judgment(given, found.pop()))
    elif given.texts and not all(_CORRECTION.search(question) for question in given.texts):
        notes.add("a comment without a verdict was left out")


def _judgment(given: Annotation, verdict: str) -> ParsedJudgment:
    plain = {question: text for question, text in given.texts.items() if not _CORRECTION.search(question)}
    texts = list(plain.values()) if len(plain) == 1 else [f"{question}: {text}" for question, text in plain.items()]
    rating = next((int(one) for one in given.ratings.values() if one in (1, 2, 3, 4, 5)), None)
    return ParsedJudgment(
        verdict=verdict, author=given.author, note="\n\n".join(texts), rating=rating, at=given.at, external_id=given.id
    )


def _take_texts(trace: ParsedTrace, given: Annotation) -> None:
    for question, text in given.texts.items():
        if _CORRECTION.search(question) and text.strip():
            trace.corrections.append(ParsedCorrection(text=text.strip(), author=given.author))


def _score(question: str, given: Annotation, kind: str, **value: float | str) -> ParsedScore:
    score = ParsedScore(name=question, author=given.author, external_id=f"{given.id or given.author}/{kind}"[:200])
    for name, one in value.items():
        setattr(score, name, one)
    return score
