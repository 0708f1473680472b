"""`python -m training.workers.answer FOLDER`: a local model answers prompts.

In: job.json {"what": "answer", "base": {...}, "settings": {"max_new_tokens", "temperature", "seed"}} and prompts.jsonl,
a line each {"id", "messages": [internal form], "tools": [internal form]}. Out: answers.jsonl, a line each {"id",
"message": internal form or null, "error", "problems", "finish_reason", "input_tokens", "output_tokens", "latency_ms"}.
Greedy and seeded by default, so the same model gives the same answers. Ids that were answered are not asked again.
"""

import json
import sys
import time
import zlib
from pathlib import Path
from typing import Any

from training.workers import bases, masking, process, toolcalls

PROMPTS, ANSWERS = "prompts.jsonl", "answers.jsonl"
DEFAULTS = {"max_new_tokens": 256, "temperature": 0.0, "seed": 0}


def work(worker: process.Worker) -> str:
    """Answer every prompt that has no answer yet. Returns "finished" or "stopped"."""
    settings = {**DEFAULTS, **worker.job.get("settings", {})}
    prompts = masking.read_rows(worker.path(worker.job.get("prompts", PROMPTS)))
    path = worker.folder / ANSWERS
    done = _answered(path)
    worker.stage("load")
    import torch

    bases.use_threads(worker)
    location, facts = bases.locate(worker)
    tokenizer = bases.load_tokenizer(worker, location)
    model = bases.load_model(worker, location, trainable=False).eval()
    worker.emit("loaded", base=facts, device=str(model.device), versions={"torch": torch.__version__})
    worker.stage("answer")
    began, fresh = time.monotonic(), 0
    worker.emit("progress", step=len(done), total=len(prompts))
    with path.open("a", encoding="utf-8") as file:
        for number, prompt in prompts:
            if str(prompt.get("id")) in done:
                continue
            if worker.stopping:
                worker.emit("stopped", step=len(done), saved=True)
                return "stopped"
            answer = answer_one(number, prompt, tokenizer=tokenizer, model=model, settings=settings)
            file.write(json.dumps(answer, ensure_ascii=False) + "\n")
            file.flush()
            done.add(answer["id"])
            fresh += 1
            left = (time.monotonic() - began) / fresh * (len(prompts) - len(done))
            worker.emit("progress", step=len(done), total=len(prompts), seconds_left=round(left, 1))
    worker.emit("finished", step=len(done))
    return "finished"


def _answered(path: Path) -> set[str]:
    """Ids with a whole line; a torn last line (the process was killed while writing) is cut off and asked again."""
    if not path.exists():
        return set()
    block = path.read_bytes()
    whole = block[: block.rfind(b"\n") + 1]
    if len(whole) < len(block):
        with path.open("r+b") as file:
            file.truncate(len(whole))
    return {str(json.loads(line)["id"]) for line in whole.splitlines() if line.strip()}


def answer_one(
    number: int, prompt: dict[str, Any], *, tokenizer: Any, model: Any, settings: dict[str, Any]
) -> dict[str, Any]:
    """The line of answers.jsonl for one prompt; what goes wrong with this prompt alone becomes its `error`."""
    import torch

    answer: dict[str, Any] = {
        "id": str(prompt.get("id", number)), "message": None, "error": "", "problems": [], "finish_reason": "",
        "input_tokens": None, "output_tokens": None, "latency_ms": None,
    }  # fmt: skip
    try:
        messages, tools = to_chat(prompt)
        encoded = tokenizer.apply_chat_template(
            messages, tools=tools, add_generation_prompt=True, return_dict=True, return_tensors="pt"
        )
    except Exception as error:  # a template may raise anything for a form that it does not know
        answer["error"] = f"The chat template refuses this prompt: {str(error)[:300]}"
        return answer
    length = encoded["input_ids"].shape[1]
    limit = getattr(model.config, "max_position_embeddings", None)
    answer["input_tokens"] = length
    if limit and length >= limit:
        answer["error"] = f"The prompt has {length} tokens, the model takes {limit}."
        return answer
    room = int(settings["max_new_tokens"])
    temperature = float(settings["temperature"])
    torch.manual_seed(zlib.crc32(f"{settings['seed']}:{answer['id']}".encode()))
    began = time.monotonic()
    with torch.inference_mode():
        output = model.generate(
            **encoded.to(model.device),
            max_new_tokens=min(room, limit - length) if limit else room,
            do_sample=temperature > 0,
            temperature=temperature if temperature > 0 else None,
            top_p=None,
            top_k=None,
            pad_token_id=tokenizer.pad_token_id,
        )
    answer["latency_ms"] = round((time.monotonic() - began) * 1000)
    fresh = output[0, length:].tolist()
    answer["output_tokens"] = len(fresh)
    stops = model.generation_config.eos_token_id
    stops = set(stops if isinstance(stops, list) else [stops, tokenizer.eos_token_id])
    ended = bool(fresh) and fresh[-1] in stops
    text = _text(tokenizer, fresh[:-1] if ended else fresh)
    answer["message"], answer["problems"] = toolcalls.parse_answer(text)
    answer["finish_reason"] = "length" if not ended else "tool_calls" if answer["message"].get("tool_calls") else "stop"
    answer["message"]["finish_reason"] = answer["finish_reason"]
    return answer


def _text(tokenizer: Any, ids: list[int]) -> str:
    """Decoded with the markers of tool calls and thinking kept, turn markers and padding dropped."""
    markers = {tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.bos_token_id}
    return str(tokenizer.decode([token for token in ids if token not in markers], skip_special_tokens=False))


def to_chat(prompt: dict[str, Any]) -> tuple[list[dict[str, Any]], list[Any] | None]:
    """Messages and tools of the internal form as a chat template takes them."""
    messages = []
    for message in prompt.get("messages") or []:
        parts = message.get("parts") or []
        other = [part["type"] for part in parts if part["type"] not in ("text", "refusal", "json")]
        if other:
            raise ValueError(f"a message holds {other[0]}, and this model takes text only")
        text = "\n".join(
            json.dumps(part["value"], ensure_ascii=False) if part["type"] == "json" else part.get("text", "")
            for part in parts
        )
        ready: dict[str, Any] = {"role": message["role"], "content": text}
        for key in ("name", "tool_call_id"):
            if message.get(key):
                ready[key] = message[key]
        if message.get("tool_calls"):
            ready["tool_calls"] = [
                {"id": call["id"], "function": {"name": call["name"], "arguments": call["arguments"]}}
                for call in message["tool_calls"]
            ]
        messages.append(ready)
    tools = [
        {
            "type": "function",
            "function": {
                "name": tool["name"],
                "description": tool.get("description", ""),
                "parameters": json.loads(tool.get("parameters") or "{}"),
            },
        }
        for tool in prompt.get("tools") or []
    ]
    try:
        chat, _ = masking.chat({"messages": [*messages, {"role": "assistant", "content": ""}]})
    except masking.RowProblem as problem:
        raise ValueError(str(problem)) from None
    return chat[:-1], tools or None


if __name__ == "__main__":
    sys.exit(process.run(Path(sys.argv[1]).resolve(), work))
