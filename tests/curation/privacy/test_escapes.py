"""Places are those of the text as it was given, whatever signs in it are written by number or name."""

import time

import pytest

from curation.privacy.patterns import find

MAIL = "ann.lee@fernhill-goods.com"


@pytest.mark.parametrize(
    "before",
    [
        "&#11;", "&#12;", "&#127;", "&#x1f;", "&#0;", "&#x0;", "&#128;", "&#xD800;", "&#99999;", "&amp;", "&nbsp;", "&#39;",
        "\\n", "\\\\n", "\\u0041", "\\ud83d\\ude00", "\\u0000", "\\t&#11;\\n&amp;", "&#65;\\u00e9", "&lt;b&gt;", "\\\\\\\\", "\\",
        "&unknown;", "&;",
    ],
)  # fmt: skip
def test_what_is_found_is_cut_out_whole(before: str) -> None:
    for times in (1, 4, 40):
        text = f"{before * times} mail {MAIL} and {before * times} card 4111 1111 1111 1111. {before}"
        found = [text[one.start : one.end] for one in find(text)]
        assert found == [MAIL, "4111 1111 1111 1111"]


@pytest.mark.parametrize("sign", ["\\", "\\\\n", "\\u005c", "&", "&#", "&#38;", "&amp;"])
def test_long_runs_of_such_signs_take_no_time(sign: str) -> None:
    text = sign * (300_000 // len(sign)) + f" {MAIL} " + sign * 1_000
    begun = time.monotonic()
    assert [text[one.start : one.end] for one in find(text)] == [MAIL]
    assert time.monotonic() - begun < 10
