"""Conversations to tokens and labels: only what the assistant said carries loss (and not
where its message has weight 0), and every row that changes is counted.

TRL's training templates mark the assistant's tokens. Where a template has no such marks and TRL knows no patched copy
(Llama 3.1, Gemma 4), one example per assistant turn is made instead: prompt without loss, answer with it.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from training.workers.process import DataError

IGNORED = -100


class RowProblem(Exception):
    """Why one row cannot be trained on."""


@dataclass
class Report:
    """What became of the rows. Positions are line numbers of the data file, from 1."""

    rows: int = 0
    examples: int = 0
    tokens: int = 0
    trained_tokens: int = 0
    longest: int = 0
    too_long: list[int] = field(default_factory=list)
    untrained: list[int] = field(default_factory=list)
    unusable: list[tuple[int, str]] = field(default_factory=list)
    unstopped: list[int] = field(default_factory=list)
    per_turn: bool = False

    def as_payload(self) -> dict[str, Any]:
        """For the event: counts in full, at most 20 positions of each kind."""
        return {
            "rows": self.rows,
            "examples": self.examples,
            "tokens": self.tokens,
            "trained_tokens": self.trained_tokens,
            "longest": self.longest,
            "per_turn": self.per_turn,
            "too_long": {"count": len(self.too_long), "rows": self.too_long[:20]},
            "untrained": {"count": len(self.untrained), "rows": self.untrained[:20]},
            "unusable": {"count": len(self.unusable), "rows": [list(item) for item in self.unusable[:20]]},
            "unstopped": {"count": len(self.unstopped), "rows": self.unstopped[:20]},
        }


def read_rows(path: Any) -> list[tuple[int, dict[str, Any]]]:
    """(line number, row) of a JSONL file; raises DataError naming the line that is no JSON object."""
    rows = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise DataError(f"Line {number} of {path} is not JSON: {error}") from None
            if not isinstance(row, dict):
                raise DataError(f"Line {number} of {path} is no JSON object.")
            rows.append((number, row))
    return rows


def chat(row: dict[str, Any]) -> tuple[list[dict[str, Any]], list[Any] | None]:
    """Messages and tools of a trl-sft row as a template takes them: arguments and schemas decoded only here.

    `developer` becomes `system` (templates render nothing for it). Raises RowProblem.
    """
    messages = row.get("messages")
    if not isinstance(messages, list) or not messages:
        raise RowProblem("it has no messages")
    ready = [_message(number, message) for number, message in enumerate(messages)]
    if not any(message["role"] == "assistant" for message in ready):
        raise RowProblem("it has no assistant message")
    tools = row.get("tools")
    if isinstance(tools, str):
        try:
            tools = json.loads(tools) if tools.strip() else None
        except ValueError:
            raise RowProblem("its tools are not JSON") from None
    return ready, tools or None


def _message(number: int, message: Any) -> dict[str, Any]:
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise RowProblem(f"message {number} has no role")
    content = message.get("content")
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
        if len(texts) != len(content):
            raise RowProblem(f"message {number} holds more than text, and this trainer takes text only")
        content = "\n".join(str(text) for text in texts)
    ready: dict[str, Any] = {
        "role": "system" if message["role"] == "developer" else message["role"],
        "content": content or "",
    }
    for key in ("name", "tool_call_id", "reasoning_content"):
        if isinstance(message.get(key), str):
            ready[key] = message[key]
    if calls := message.get("tool_calls"):
        ready["tool_calls"] = [_call(number, call) for call in calls]
    return ready


def _call(number: int, call: Any) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise RowProblem(f"a tool call of message {number} has no function name")
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments or "{}")
        except ValueError:
            arguments = None
    if not isinstance(arguments, dict):
        raise RowProblem(f"the arguments of {function['name']} in message {number} are no JSON object")
    return {
        "type": "function",
        "id": str(call.get("id", "")),
        "function": {"name": function["name"], "arguments": arguments},
    }


def _silent(row: dict[str, Any], messages: list[dict[str, Any]], *, loss_on: str) -> set[int]:
    """Places of assistant messages with weight 0: they are read, never learned. Raises RowProblem."""
    places = {
        place
        for place, message in enumerate(row["messages"])
        if message.get("weight") == 0 and messages[place]["role"] == "assistant"
    }
    if places and loss_on == "all":
        raise RowProblem(f"message {min(places)} has weight 0, which cannot be kept where loss is on all words")
    if places and len(places) == sum(message["role"] == "assistant" for message in messages):
        raise RowProblem("every assistant message has weight 0")
    return places


def training_template(tokenizer: Any) -> tuple[str | None, bool]:
    """(template with marks or None for the tokenizer's own, whether it can mark the assistant's tokens)."""
    from trl.chat_template_utils import get_training_chat_template

    try:
        return get_training_chat_template(tokenizer), True
    except ValueError:
        return None, False


def prepare(
    rows: Iterable[tuple[int, dict[str, Any]]],
    *,
    tokenizer: Any,
    max_length: int,
    too_long: str,
    loss_on: str = "assistant",
    stop_ids: set[int] | None = None,
) -> tuple[list[dict[str, list[int]]], Report]:
    """Examples ({"input_ids", "labels"}) and the report.

    `too_long`: "drop" leaves rows over `max_length` out, "cut" keeps their beginning, "refuse" raises DataError.
    `loss_on`: "assistant" or "all". A row whose trained tokens are all gone is left out and counted.
    """
    stops = stop_ids or {tokenizer.eos_token_id}
    template, marks = training_template(tokenizer)
    report = Report(per_turn=loss_on == "assistant" and not marks)
    examples = []
    for number, row in rows:
        report.rows += 1
        try:
            messages, tools = chat(row)
            silent = _silent(row, messages, loss_on=loss_on)
            if loss_on == "all":
                made = [_whole(tokenizer, messages, tools)]
            elif marks:
                made = [_marked(tokenizer, messages, tools, template, stops, silent)]
            else:
                made = _by_turn(tokenizer, messages, tools, stops, silent)
        except RowProblem as problem:
            report.unusable.append((number, str(problem)))
            continue
        except Exception as error:  # a template may raise anything for a form that it does not know
            report.unusable.append((number, f"the chat template refuses it: {str(error)[:200]}"))
            continue
        for ids, labels in made:
            example = _fit(number, ids, labels, report, max_length=max_length, too_long=too_long, stops=stops)
            if example is not None:
                examples.append(example)
    if too_long == "refuse" and report.too_long:
        raise DataError(
            f"{len(report.too_long)} of {report.rows} rows are longer than {max_length} tokens, the first in line "
            f"{report.too_long[0]} (the longest has {report.longest}). Raise max_length, or choose to drop or cut them."
        )
    report.examples = len(examples)
    return examples, report


def _fit(
    number: int, ids: list[int], labels: list[int], report: Report, *, max_length: int, too_long: str, stops: set[int]
) -> dict[str, list[int]] | None:
    """One example within the limit, counted; None where it is left out."""
    report.longest = max(report.longest, len(ids))
    if len(ids) > max_length:
        if number not in report.too_long[-1:]:
            report.too_long.append(number)
        if too_long != "cut":
            return None
        ids, labels = ids[:max_length], labels[:max_length]
    trained = [label for label in labels if label != IGNORED]
    if not trained:
        report.untrained.append(number)
        return None
    if not _stops(labels, stops) and len(ids) < max_length:
        report.unstopped.append(number)
    report.tokens += len(ids)
    report.trained_tokens += len(trained)
    return {"input_ids": ids, "labels": labels}


def _stops(labels: list[int], stops: set[int]) -> bool:
    """Whether the last trained stretch holds a stop token (some templates train the line break behind it, too)."""
    end = max(place for place, label in enumerate(labels) if label != IGNORED)
    while end >= 0 and labels[end] != IGNORED:
        if labels[end] in stops:
            return True
        end -= 1
    return False


def _ids(encoded: Any) -> list[int]:
    return list(encoded["input_ids"])


def _whole(tokenizer: Any, messages: list[dict[str, Any]], tools: list[Any] | None) -> tuple[list[int], list[int]]:
    ids = _ids(tokenizer.apply_chat_template(messages, tools=tools, return_dict=True))
    return ids, list(ids)


def _marked(
    tokenizer: Any,
    messages: list[dict[str, Any]],
    tools: list[Any] | None,
    template: str | None,
    stops: set[int],
    silent: set[int],
) -> tuple[list[int], list[int]]:
    """All turns at once, by the marks of the training template; without those at the places of `silent`."""
    encoded = tokenizer.apply_chat_template(
        messages, tools=tools, chat_template=template, return_dict=True, return_assistant_tokens_mask=True
    )
    ids, mask = _ids(encoded), list(encoded["assistant_masks"])
    for place in range(1, len(ids)):
        # a stop token right behind the marks belongs to the answer: without it the model never learns to end
        if mask[place - 1] and not mask[place] and ids[place] in stops and ids[place - 1] not in stops:
            mask[place] = 1
    if silent:
        turns = [place for place, message in enumerate(messages) if message["role"] == "assistant"]
        stretches = _stretches(mask)
        if len(stretches) != len(turns):
            raise RowProblem(f"message {min(silent)} has weight 0, and the chat template does not tell the turns apart")
        for turn, (begin, end) in zip(turns, stretches, strict=True):
            if turn in silent:
                mask[begin:end] = [0] * (end - begin)
    return ids, [token if on else IGNORED for token, on in zip(ids, mask, strict=True)]


def _stretches(mask: list[int]) -> list[tuple[int, int]]:
    """(begin, end) of each unbroken run of marks."""
    edges = [place for place in range(len(mask) + 1) if _at(mask, place - 1) != _at(mask, place)]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _at(mask: list[int], place: int) -> bool:
    return 0 <= place < len(mask) and bool(mask[place])


def _by_turn(
    tokenizer: Any, messages: list[dict[str, Any]], tools: list[Any] | None, stops: set[int], silent: set[int]
) -> list[tuple[list[int], list[int]]]:
    """One example per assistant turn that is not `silent`; the answer is what the template adds behind the prompt."""
    made = []
    for place, message in enumerate(messages):
        if message["role"] != "assistant" or place == 0 or place in silent:
            continue
        prompt = tokenizer.apply_chat_template(
            messages[:place], tools=tools, tokenize=False, add_generation_prompt=True
        )
        full = tokenizer.apply_chat_template(messages[: place + 1], tools=tools, tokenize=False)
        if not full.startswith(prompt):
            raise RowProblem("its chat template rewrites earlier turns, so the answer cannot be told from the prompt")
        head = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        answer = tokenizer(full[len(prompt) :], add_special_tokens=False)["input_ids"]
        last = max((at for at, token in enumerate(answer) if token in stops), default=len(answer) - 1)
        answer = answer[: last + 1]  # what follows the stop token is never generated
        made.append(([*head, *answer], [IGNORED] * len(head) + list(answer)))
    if not made:
        raise RowProblem("it has no assistant message behind a prompt")
    return made
