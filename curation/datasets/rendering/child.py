"""The process that renders and counts: run as `python -I child.py`, one task on standard input, one answer on standard
output, both JSON. It opens nothing after its files are read, and has limits on time, memory and what it writes.

A template may ask for a terabyte, loop for ever, or try its luck with the sandbox: it then loses this process.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

MEMORY = 2 << 30
CPU_S = 10
LONGEST = 20_000_000  # characters of an answer


def main() -> None:
    """Read, confine, work, answer."""
    task = json.loads(sys.stdin.buffer.read())
    tokenizer = _tokenizer(task.get("tokenizer"))
    import templates

    _warm(templates)
    _confine()
    try:
        answer = _work(task, templates, tokenizer)
    except MemoryError:
        answer = {"error": "it needs more memory than a template gets"}
    except RecursionError:
        answer = {"error": "it nests without end"}
    except Exception as error:  # a template may raise anything
        answer = {"error": f"{error}"[:500] or type(error).__name__}
    written = json.dumps(answer).encode()
    if len(written) > LONGEST:
        written = json.dumps({"error": f"it makes {len(written):,} bytes of a row"}).encode()
    sys.stdout.buffer.write(written)


def _tokenizer(path: str | None) -> Any:
    if not path:
        return None
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    from tokenizers import Tokenizer

    return Tokenizer.from_file(path)


def _warm(templates: Any) -> None:
    """What Jinja imports only when it is needed is imported now."""
    templates.Template("{{ messages | tojson }}").render([])
    try:
        templates.Template("{% for one in messages %}{{ raise_exception('no') }}{% endfor %}").render([{}])
    except Exception as error:
        str(error)


def _confine() -> None:
    try:
        import resource
    except ImportError:  # no such limits on this system; the time limit of the parent holds
        return
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))  # no file can be opened from here on
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _work(task: dict[str, Any], templates: Any, tokenizer: Any) -> dict[str, Any]:
    template = templates.Template(task["template"])
    special = task["special"]
    made = [_one(template, one, special, tokenizer) for one in task["conversations"]]
    return {"made": made, "has_marks": template.has_marks}


def _one(template: Any, one: dict[str, Any], special: dict[str, Any], tokenizer: Any) -> dict[str, Any]:
    given = {**special, "tools": one["tools"] or None, "add_generation_prompt": one["prompt"]}
    rendered = template.render(one["messages"], **given)
    why = ""
    spans, how = rendered.spans, "marks"
    if not template.has_marks:
        spans, why = _by_prefix(template, one["messages"], {**special, "tools": one["tools"] or None}, rendered.text)
        how = "prefix" if not why else "unknown"
    answer = {"text": rendered.text, "places": rendered.places, "spans": spans, "how": how, "why": why}
    return answer | _tokens(rendered.text, spans, special.get("eos_token"), tokenizer)


def _by_prefix(
    template: Any, messages: list[dict[str, Any]], given: dict[str, Any], text: str
) -> tuple[list[tuple[int, int]], str]:
    """Each answer is what the template adds behind the prompt that asks for it, up to the stop token: the rule by which
    runs here train where a template has no marks. Told of the whole text only where it begins with both."""
    spans: list[tuple[int, int]] = []
    for place, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        if place == 0:
            continue  # no prompt asks for it, so runs leave it out
        try:
            prompt = template.text(messages[:place], **given, add_generation_prompt=True)
            so_far = template.text(messages[: place + 1], **given, add_generation_prompt=False)
        except Exception as error:
            return [], f"the template does not render the conversation up to message {place + 1}: {str(error)[:200]}"
        if not so_far.startswith(prompt) or not text.startswith(prompt) or not text.startswith(so_far.rstrip()):
            return [], "the template has no marks and rewrites earlier turns"
        stop = str(given.get("eos_token") or "")
        last = so_far.rfind(stop, len(prompt)) if stop else -1
        spans.append((len(prompt), last + len(stop) if last >= 0 else len(so_far.rstrip())))
    return spans, ""


def _tokens(text: str, spans: list[tuple[int, int]], stop: str | None, tokenizer: Any) -> dict[str, Any]:
    """Tokens as (first character, special), and which are learned: of each stretch from the token of its first character
    to that of its last, as transformers maps them."""
    if tokenizer is None:
        return {}
    encoded = tokenizer.encode(text, add_special_tokens=False)
    added = {number: token.special for number, token in tokenizer.get_added_tokens_decoder().items()}
    learned = [0] * len(encoded.ids)
    for begin, end in spans:
        first, last = encoded.char_to_token(begin), encoded.char_to_token(end - 1)
        if first is None:
            break
        for place in range(first, last + 1 if last else len(learned)):
            learned[place] = 1
    marked = list(learned)
    stops = {tokenizer.token_to_id(stop)} if stop else set()
    for place in range(1, len(learned)):
        # as runs here do: a stop token right behind the marks belongs to the answer
        if learned[place - 1] and not learned[place] and encoded.ids[place] in stops - {encoded.ids[place - 1]}:
            learned[place] = 1
    return {
        "ids": encoded.ids,
        "starts": [start for start, _ in encoded.offsets],
        "special": [int(added.get(number, False)) for number in encoded.ids],
        "marked": marked,
        "learned": learned,
    }


if __name__ == "__main__":
    main()
