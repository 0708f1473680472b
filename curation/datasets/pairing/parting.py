"""Where two runs part: the shared beginning, and the two answers that follow it."""

from collections.abc import Sequence
from dataclasses import dataclass

from curation.datasets.example import has_content
from curation.ingest.calls import same_arguments
from curation.messages.form import Message, text_of

_RULES = ("system", "developer")


@dataclass(frozen=True, slots=True)
class Parting:
    """`shared` messages are equal in both, and both go on with an assistant message: there a pair can be made."""

    shared: int


@dataclass(frozen=True, slots=True)
class NoParting:
    """Why not, as a code of words.SKIPS, with what is shared."""

    code: str
    detail: str = ""


def part(one: Sequence[Message], other: Sequence[Message]) -> Parting | NoParting:
    """Compare two conversations from the start. Ids of calls are made anew for every run and compare by their place, and
    results of parallel calls compare in the order of the calls. What a model thought is not compared.

    A pair is made only where something was asked in the shared part and both go on with words or calls of the agent: what
    users and tools say cannot be preferred."""
    left, right = keys(one), keys(other)
    most = min(len(left), len(right))
    shared = next((at for at in range(most) if left[at] != right[at]), most)
    if shared == len(left) and shared == len(right):
        return NoParting("identical")
    if shared == most:
        return NoParting("one_ended", f"after {shared} messages")
    a, b = one[shared], other[shared]
    asked = any(message["role"] == "user" and has_content(message) for message in one[:shared])
    if not asked:
        return _without_request(one, shared)
    roles = {a["role"], b["role"]}
    if roles != {"assistant"}:
        code = "parted_at_tool" if "tool" in roles else "parted_at_user"
        return NoParting(code, f"after {shared} messages")
    if not (has_content(a) and has_content(b)):
        return NoParting("empty_messages", f"after {shared} messages")
    return Parting(shared)


def keys(messages: Sequence[Message]) -> list[object]:
    """What of each message must be equal; runs of tool results stand in the order of their calls."""
    numbers: dict[str, int] = {}
    found: list[tuple[object, ...]] = []
    results: list[tuple[int, tuple[object, ...]]] = []
    for message in messages:
        if message["role"] != "tool" and results:
            found += [key for _, key in sorted(results, key=lambda item: item[0])]
            results = []
        calls = []
        for call in message.get("tool_calls", []):
            numbers[call["id"]] = len(numbers)
            calls.append((call["name"], same_arguments(call["arguments"])))
        files = tuple(
            (part["type"], part.get("url") or str(part.get("value")))
            for part in message["parts"]
            if part["type"] not in ("text", "refusal")
        )
        key = (message["role"], text_of(message).strip(), tuple(calls), files)
        if message["role"] == "tool":
            place = numbers.get(message.get("tool_call_id", ""), len(numbers))
            results.append((place, (*key, place, bool(message.get("is_error")))))
        else:
            found.append(key)
    return [*found, *(key for _, key in sorted(results, key=lambda item: item[0]))]


def answer(message: Message) -> Message:
    """A message as one side of a pair: what it says and calls, without times, costs and weights."""
    said: Message = {"role": "assistant", "parts": message["parts"]}
    for key in ("tool_calls", "reasoning", "name"):
        if key in message:
            said[key] = message[key]
    return said


def says(message: Message) -> str:
    """What a side says, with its calls, as one text to compare and to measure by."""
    calls = [f"{call['name']}({same_arguments(call['arguments'])})" for call in message.get("tool_calls", [])]
    return "\n".join(filter(None, [text_of(message).strip(), *calls]))


def likeness(one: str, other: str) -> float:
    """How alike two texts are, 0 to 1: the Jaccard index of their runs of three words; 1 only where all words are the
    same. Texts shorter than three words are compared as a whole."""
    a, b = one.casefold().split(), other.casefold().split()
    if a == b:
        return 1.0
    first, second = _shingles(a), _shingles(b)
    return min(0.999, len(first & second) / len(first | second))


def _shingles(words: list[str]) -> set[tuple[str, ...]]:
    return {tuple(words[at : at + 3]) for at in range(max(1, len(words) - 2))}


def _without_request(messages: Sequence[Message], shared: int) -> NoParting:
    if shared == 0:
        return NoParting("nothing_shared")
    if all(message["role"] in _RULES for message in messages[:shared]):
        return NoParting("only_system_shared")
    return NoParting("no_request", f"{shared} messages are shared")
