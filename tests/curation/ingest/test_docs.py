"""The examples of docs/formats.md are read without a rejection, by the format they stand under."""

import re

from django.conf import settings

from curation.ingest.formats import FORMATS
from tests.curation.ingest.reading import read


def test_every_example_in_the_docs() -> None:
    text = (settings.BASE_DIR / "docs" / "formats.md").read_text()
    examples = re.findall(r"```json (\w+)\n(.*?)```", text, re.DOTALL)
    assert {name for name, _ in examples} == set(FORMATS)
    for name, example in examples:
        traces, rejected = read(example.encode())
        assert (len(traces), rejected) == (1, [])
        assert traces[0].source["format"] == name
