"""How alike two texts are, 0 to 1. Each measure names its source; none needs a model or a download.

Texts are compared in their composed form (NFC), so that the same letters in other code points are the same. Two empty
texts are alike (1); an empty and a non-empty one are not (0). Where neither text is long enough for one n-gram the sources
leave 0/0 open: 1 for the same words, else 0. (The package rouge-score gives 0 there also for equal texts, which would
fail every right answer of one word.)
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise

# the longest common part takes time that grows with the product of both lengths
MOST_CHARACTERS = 100_000

# letters of scripts that write no spaces between words: Thai, Lao, Burmese, Khmer, Kana, Han
_UNSPACED = re.compile(
    "[\u0e01-\u0e4e\u0e81-\u0ecf\u0edc-\u0edf\u1000-\u103f\u1050-\u108f\u1780-\u17d3\u3005-\u3007\u3031-\u3035\u3040-\u30ff"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
# over what each character is: a mark, a letter that stands for itself, a letter of a word
_SHAPE = re.compile("um*|w[wm]*")


class TooLong(ValueError):
    """A text beyond MOST_CHARACTERS, which is not compared."""


def words(text: str) -> list[str]:
    """Runs of letters, digits and underscores with their accents and vowel signs, without regard to case (canonical
    caseless matching, Unicode section 3.13); of scripts that write no spaces each letter is a word."""
    folded = _folded(text)
    shape = folded.translate({ord(one): _kind(one) for one in set(folded)})
    return [folded[found.start() : found.end()] for found in _SHAPE.finditer(shape)]


def token_f1(answer: str, reference: str) -> float:
    """Harmonic mean of precision and recall over words as a bag (Rajpurkar et al. 2016, SQuAD; articles are kept)."""
    return _grams_f1(answer, reference, 1)


def chrf(answer: str, reference: str) -> float:
    """Character n-grams up to 6, recall twice as heavy, blanks dropped (Popović 2015, chrF2; orders that neither text
    is long enough for do not count, as in sacrebleu)."""
    left, right = "".join(_composed(answer).split()), "".join(_composed(reference).split())
    if not left or not right:
        return float(left == right)
    precision = recall = 0.0
    orders = 0
    for order in range(1, 7):
        mine, theirs = _grams(left, order), _grams(right, order)
        if not mine or not theirs:
            continue
        shared = (mine & theirs).total()
        precision += shared / mine.total()
        recall += shared / theirs.total()
        orders += 1
    precision, recall = precision / orders, recall / orders
    return 5 * precision * recall / (4 * precision + recall) if precision + recall else 0.0


def rouge_l(answer: str, reference: str) -> float:
    """F1 over the longest common subsequence of words (Lin 2004, ROUGE-L with beta 1)."""
    left, right = words(answer), words(reference)
    return _lcs_f1(left, right) if left and right else _without(answer, reference)


def fuzzy_match(answer: str, reference: str) -> float:
    """Normalised insert-delete similarity of the characters: twice the longest common subsequence over both lengths
    (what rapidfuzz calls `ratio`)."""
    left, right = _composed(answer), _composed(reference)
    return _lcs_f1(left, right) if left and right else float(left == right)


def gleu(answer: str, reference: str) -> float:
    """The smaller of precision and recall over word n-grams 1 to 4 (Wu et al. 2016)."""
    left, right = words(answer), words(reference)
    if not left or not right:
        return _without(answer, reference)
    mine: Counter[Hashable] = Counter()
    theirs: Counter[Hashable] = Counter()
    for order in range(1, 5):
        mine += _grams(left, order)
        theirs += _grams(right, order)
    return (mine & theirs).total() / max(mine.total(), theirs.total())


def rouge_n(order: int) -> Callable[[str, str], float]:
    """F1 over word n-grams of one order (Lin 2004, ROUGE-N)."""

    def measure(answer: str, reference: str) -> float:
        return _grams_f1(answer, reference, order)

    return measure


OURS: dict[str, Callable[[str, str], float]] = {"token_f1": token_f1, "chrf": chrf, "rouge_l": rouge_l}
OPENAI: dict[str, Callable[[str, str], float]] = {
    "fuzzy_match": fuzzy_match,
    "gleu": gleu,
    **{f"rouge_{order}": rouge_n(order) for order in range(1, 6)},
    "rouge_l": rouge_l,
}
NOT_COMPUTED = {
    "cosine": "it needs an embedding model",
    "meteor": "it needs a word list of synonyms",
    "bleu": "for single answers it depends on a smoothing that OpenAI does not name",
}


def measure(metric: Callable[[str, str], float], answer: str, reference: str) -> float:
    """Apply a metric, clipped to 0..1. Raises TooLong."""
    longest = max(len(_composed(answer)), len(_composed(reference)))
    if longest > MOST_CHARACTERS:
        raise TooLong(f"{longest:,} characters are more than the {MOST_CHARACTERS:,} that are compared.")
    return min(1.0, max(0.0, metric(answer, reference)))


def _kind(character: str) -> str:
    if unicodedata.category(character)[0] == "M":
        return "m"
    if not character.isalnum() and character != "_":
        return " "
    return "u" if _UNSPACED.match(character) else "w"


def _folded(text: str) -> str:
    return _composed(_composed(text).casefold())


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _grams(sequence: Sequence[Hashable], order: int) -> Counter[Hashable]:
    if order == 1:
        return Counter(sequence)
    if order == 2:
        return Counter(pairwise(sequence))
    return Counter(tuple(sequence[start : start + order]) for start in range(len(sequence) - order + 1))


def _grams_f1(answer: str, reference: str, order: int) -> float:
    """Harmonic mean of precision and recall over word n-grams as a bag."""
    left, right = words(answer), words(reference)
    mine, theirs = _grams(left, order), _grams(right, order)
    if mine or theirs:
        return 2 * (mine & theirs).total() / (mine.total() + theirs.total())
    return float(left == right) if left or right else _without(answer, reference)


def _without(answer: str, reference: str) -> float:
    """Of texts of which one has no words at all, such as signs and emoji: whether they are the same."""
    return float(_folded(answer).strip() == _folded(reference).strip())


def _lcs_f1(left: Sequence[Hashable], right: Sequence[Hashable]) -> float:
    return 2 * _longest_common(left, right) / (len(left) + len(right))


def _longest_common(left: Sequence[Hashable], right: Sequence[Hashable]) -> int:
    """Length of the longest common subsequence, a row of the table per step held in the bits of one integer (Hyyrö
    2004)."""
    places: dict[Hashable, int] = {}
    for index, token in enumerate(left):
        places[token] = places.get(token, 0) | (1 << index)
    everything = (1 << len(left)) - 1
    row = everything
    for token in right:
        matches = row & places.get(token, 0)
        row = ((row + matches) | (row - matches)) & everything
    return len(left) - row.bit_count()
