"""Lists that were flattened, and the one call that needs no joining."""

import pytest

from curation.ingest import assemble
from curation.ingest.calls import Chains, ModelCall
from curation.ingest.reading import lists_of
from curation.messages.clean import Notes
from curation.messages.form import message


def test_flattened_lists_come_back_by_number_whatever_the_order_of_their_keys() -> None:
    far = "m.1.tool_calls.0." + "x" * 300  # too long a key to be remembered
    found = lists_of({"a": 1, "m.10.r": "k", "m.2.r": "c", "m.02.s": "d", far: "v", "m.x": 2, "m.3": 3, "n.0.y": 4})
    assert found == {
        "m.": [(1, {far[4:]: "v"}), (2, {"r": "c", "s": "d"}), (10, {"r": "k"})],
        "n.": [(0, {"y": 4})],
    }
    assert lists_of({"m.1234567.x": 1, "m.٣.x": 2, "m.-1.x": 3, ".x": 4}) == {}


@pytest.mark.parametrize("error", ["", "rate limit"])
@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize("previous", ["", "resp_0"])
def test_a_single_call_is_the_same_chain_with_and_without_joining(error: str, answered: bool, previous: str) -> None:
    said = [message("system", "Be brief."), message("user", "Hi"), message("developer", "Now.")]
    answers = [message("assistant", "Hello")] if answered else []
    call = ModelCall("s1", said, answers, error=error, previous_id=previous, response_id="resp_1", latency_ms=5)
    joined = Chains(Notes())
    joined.add(call)
    (short,) = assemble._chains([call], Notes())
    (long,) = joined.finish()
    assert (short.calls, short.messages) == (long.calls, long.messages)
