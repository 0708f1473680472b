"""Likeness of texts against values worked out by hand and by the packages of the sources."""

from typing import Any

import pytest

from curation.scoring.graders import similarity

MEASURES = similarity.OURS | similarity.OPENAI


@pytest.mark.parametrize(
    ("metric", "answer", "reference", "value"),
    [
        (similarity.token_f1, "the cat sat", "the cat slept", 2 / 3),
        (similarity.token_f1, "", "", 1.0),
        (similarity.token_f1, "a", "", 0.0),
        # rouge_score 0.1.2: rougeL("the quick brown fox", "the brown quick fox") -> 3 of 4
        (similarity.rouge_l, "the quick brown fox", "the brown quick fox", 0.75),
        (similarity.rouge_n(2), "the quick brown fox", "the quick red fox", 1 / 3),
        # rapidfuzz.fuzz.ratio("this is a test", "this is a test!") = 96.55
        (similarity.fuzzy_match, "this is a test", "this is a test!", 0.9655),
        # nltk.gleu: 2 unigrams + 1 bigram shared of 3 + 2 + 1
        (similarity.gleu, "the cat sat", "the cat slept", 3 / 6),
        (similarity.chrf, "abc", "abc", 1.0),
        # by hand: orders 1 to 3 of abcd against abcx give 3/4, 2/3, 1/2, 0/1; the mean is 0.47917
        (similarity.chrf, "abcd", "abcx", (3 / 4 + 2 / 3 + 1 / 2 + 0) / 4),
        (similarity.chrf, "東京", "東京", 1.0),
        (similarity.rouge_l, "東京", "大阪", 0.0),
        # by hand: 2 of 3 words shared, the order of two of them kept; bigrams "b c" of 2 and 2
        (similarity.rouge_n(1), "a b c", "b c d", 2 / 3),
        (similarity.rouge_n(2), "a b c", "b c d", 1 / 2),
        (similarity.rouge_n(3), "a b c", "b c d", 0.0),
    ],
)
def test_similarities_give_the_published_values(metric: Any, answer: str, reference: str, value: float) -> None:
    assert similarity.measure(metric, answer, reference) == pytest.approx(value, abs=5e-5)


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize(
    ("answer", "reference", "value"),
    [
        ("👍", "👎", 0.0),
        ("!!!", "???", 0.0),
        ("👍", "yes", 0.0),
        ("yes", "👍", 0.0),
        ("", "👍", 0.0),
        ("👍", "👍", 1.0),
        ("", "", 1.0),
    ],
)
def test_texts_without_words_are_alike_only_where_they_are_the_same(
    name: str, answer: str, reference: str, value: float
) -> None:
    assert similarity.measure(MEASURES[name], answer, reference) == value


@pytest.mark.parametrize(
    ("order", "answer", "reference", "value"),
    [
        (2, "Paris", "London", 0.0),
        (3, "yes sir", "no thanks", 0.0),
        (5, "It left this morning", "Refund was refused today", 0.0),
        (2, "Paris", "in Paris", 0.0),  # one side has a bigram, as in rouge_score
        (2, "in Paris", "Paris", 0.0),
        (2, "", "Paris", 0.0),
        # rouge_score gives 0 for these: nothing is shared where nothing is; a right answer of one word is right here
        (2, "Paris", "paris.", 1.0),
        (5, "yes sir", "Yes, sir!", 1.0),
    ],
)
def test_texts_too_short_for_one_n_gram_are_alike_only_with_the_same_words(
    order: int, answer: str, reference: str, value: float
) -> None:
    assert similarity.measure(similarity.rouge_n(order), answer, reference) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Caf\u00e9 CAFE\u0301", ["café", "café"]),  # composed and not, the same word
        ("J\u030c \u01f0", ["ǰ", "ǰ"]),  # no capital of it is one code point
        ("का की", ["का", "की"]),  # a vowel sign is a part of its word
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("今天天气, ok", ["今", "天", "天", "气", "ok"]),
        ("東京tower2号", ["東", "京", "tower2", "号"]),
        ("ที่นี่", ["ที่", "นี่"]),
        ("한국어 말", ["한국어", "말"]),  # Korean writes spaces
        ("a_b-c, straße", ["a_b", "c", "strasse"]),
        ("\u0301 !?", []),
    ],
)
def test_words_of_many_scripts(text: str, words: list[str]) -> None:
    assert similarity.words(text) == words


@pytest.mark.parametrize(
    ("metric", "answer", "reference", "value"),
    [
        (similarity.token_f1, "cafe", "cafe\u0301", 0.0),  # other words
        (similarity.token_f1, "caf\u00e9", "cafe\u0301", 1.0),
        (similarity.fuzzy_match, "caf\u00e9", "cafe\u0301", 1.0),
        (similarity.chrf, "caf\u00e9", "cafe\u0301", 1.0),
        (similarity.token_f1, "का", "की", 0.0),
        # by hand: 5 of 6 letters are shared, the first five in order, and 4 of 5 bigrams
        (similarity.token_f1, "今天天气很好", "今天天气很坏", 5 / 6),
        (similarity.rouge_l, "今天天气很好", "今天天气很坏", 5 / 6),
        (similarity.rouge_n(2), "今天天气很好", "今天天气很坏", 4 / 5),
    ],
)
def test_accents_vowel_signs_and_scripts_without_spaces(metric: Any, answer: str, reference: str, value: float) -> None:
    assert similarity.measure(metric, answer, reference) == pytest.approx(value)
