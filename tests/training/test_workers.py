"""The workers themselves, on the tiny model: what carries loss, what is refused, what a model answers."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from training import rundir
from training.artifacts import bases
from training.recipes import sft

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
TOOL = {"type": "function", "function": {"name": "get_order", "description": "", "parameters": {"type": "object"}}}
# a chat template without marks
PLAIN = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{% for c in m.tool_calls or [] %}"
    "{{ c.function.name }}{{ c.function.arguments | tojson }}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
QUIET = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}


def row(question: str = "Where is 7?", answer: str = "On its way.") -> dict[str, Any]:
    """Two assistant turns, one of them a tool call, as an export writes it."""
    call = {"id": "c1", "type": "function", "function": {"name": "get_order", "arguments": {"id": 7}}}
    return {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": question},
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "content": '{"status": "shipped"}', "tool_call_id": "c1", "name": "get_order"},
            {"role": "assistant", "content": answer},
        ],
        "tools": json.dumps([TOOL]),
    }


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    pytest.importorskip("trl")
    os.environ["HF_HUB_OFFLINE"] = "1"
    from transformers import AutoTokenizer

    from training.workers import tiny

    folder = tmp_path_factory.mktemp("tiny")
    facts, again = tiny.build(folder), tiny.build(tmp_path_factory.mktemp("again"))
    assert facts == again, "the tiny model must come out the same every time"
    assert facts["name"] == "whetstone-tiny-random"
    return AutoTokenizer.from_pretrained(folder)


def learned(tokenizer: Any, example: dict[str, list[int]]) -> str:
    """The text that carries loss."""
    return str(tokenizer.decode([label for label in example["labels"] if label != -100]))


def prepare(tokenizer: Any, rows: list[dict[str, Any]], **options: Any) -> Any:
    from training.workers import masking

    options = {"max_length": 2048, "too_long": "drop", **options}
    return masking.prepare(enumerate(rows, start=1), tokenizer=tokenizer, **options)


def test_only_the_assistants_words_and_its_stop_tokens_are_learned(tokenizer: Any) -> None:
    examples, report = prepare(tokenizer, [row()])
    said = learned(tokenizer, examples[0])
    assert '"name": "get_order", "arguments": {"id": 7}' in said
    assert "On its way.<|im_end|>" in said
    for foreign in ("Be brief", "Where is", "shipped", "null"):
        assert foreign not in said
    assert said.count("<|im_end|>") == 2
    assert (report.rows, report.examples, report.unstopped) == (1, 1, [])


def test_everything_can_be_learned_on_request(tokenizer: Any) -> None:
    examples, _ = prepare(tokenizer, [row()], loss_on="all")
    assert "Where is 7?" in learned(tokenizer, examples[0])


def test_a_template_without_marks_gives_one_example_per_turn(tokenizer: Any) -> None:
    kept = tokenizer.chat_template
    try:
        tokenizer.chat_template = PLAIN
        examples, report = prepare(tokenizer, [row()])
    finally:
        tokenizer.chat_template = kept
    assert report.per_turn
    assert [learned(tokenizer, one) for one in examples] == [
        'get_order{"id": 7}<|im_end|>',
        "On its way.<|im_end|>",
    ]
    assert report.unstopped == []


def test_a_message_with_weight_0_is_read_and_not_learned(tokenizer: Any) -> None:
    first, last, none, apart = row(), row(), row(), row()
    first["messages"][2]["weight"] = last["messages"][4]["weight"] = apart["messages"][2]["weight"] = 0
    none["messages"][2]["weight"] = none["messages"][4]["weight"] = 0
    examples, report = prepare(tokenizer, [first, last, none])
    assert "get_order" in tokenizer.decode(examples[0]["input_ids"])
    assert learned(tokenizer, examples[0]).strip() == "On its way.<|im_end|>"
    assert "get_order" in learned(tokenizer, examples[1])
    assert "On its way." not in learned(tokenizer, examples[1])
    assert report.unusable == [(3, "every assistant message has weight 0")]
    _, report = prepare(tokenizer, [apart], loss_on="all")
    assert "message 2 has weight 0" in report.unusable[0][1]
    kept = tokenizer.chat_template
    try:
        tokenizer.chat_template = PLAIN
        examples, _ = prepare(tokenizer, [first])
    finally:
        tokenizer.chat_template = kept
    assert [learned(tokenizer, one) for one in examples] == ["On its way.<|im_end|>"]


def test_long_rows_are_counted_and_done_with_as_asked(tokenizer: Any) -> None:
    from training.workers.process import DataError

    rows = [row(), row(answer="word " * 500)]
    examples, report = prepare(tokenizer, rows, max_length=300)
    assert (len(examples), report.too_long) == (1, [2])
    examples, report = prepare(tokenizer, rows, max_length=300, too_long="cut")
    assert [len(one["input_ids"]) <= 300 for one in examples] == [True, True]
    assert report.too_long == [2]
    with pytest.raises(DataError, match="line 2"):
        prepare(tokenizer, rows, max_length=300, too_long="refuse")


def test_rows_that_cannot_be_used_are_named(tokenizer: Any) -> None:
    broken = row()
    broken["messages"][2]["tool_calls"][0]["function"]["arguments"] = "{not json"
    silent = {"messages": [{"role": "user", "content": "hello"}], "tools": "[]"}
    image = {"messages": [{"role": "user", "content": [{"type": "image_url"}]}, {"role": "assistant", "content": "a"}]}
    _, report = prepare(tokenizer, [broken, silent, image, row()])
    assert report.examples == 1
    assert [number for number, _ in report.unusable] == [1, 2, 3]
    reasons = " ".join(reason for _, reason in report.unusable)
    assert "arguments of get_order in message 2" in reasons
    assert "no assistant message" in reasons
    assert "takes text only" in reasons


def test_the_number_format_decides_how_a_gpu_reckons() -> None:
    from training.workers import sft as trainer
    from training.workers.process import ConfigError

    asked = [
        (dtype, gpu, able)
        for dtype in ("auto", "float32", "bfloat16")
        for gpu, able in ((True, True), (True, False), (False, False))
        if (dtype, gpu, able) != ("bfloat16", True, False)
    ]
    mixed = [case for case in asked if trainer._mixed(case[0], gpu=case[1], able=case[2])]
    assert mixed == [("auto", True, True), ("bfloat16", True, True)]
    with pytest.raises(ConfigError, match="cannot reckon in bfloat16"):
        trainer._mixed("bfloat16", gpu=True, able=False)


def run_worker(what: str, folder: Path) -> int:
    """The worker as the runner starts it, without a runner."""
    return subprocess.run(
        [sys.executable, "-m", f"training.workers.{what}", str(folder)], cwd=ROOT, check=False, capture_output=True,
        env=QUIET, timeout=300,
    ).returncode  # fmt: skip


def train_folder(folder: Path, rows: list[dict[str, Any]], base: dict[str, Any] | None = None, **settings: Any) -> Path:
    folder.mkdir()
    (folder / "train.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    job = {
        "what": "train", "method": "sft", "base": base or {"source": "tiny"}, "data": {"train": "train.jsonl"},
        "settings": sft.check({"max_steps": 14, "learning_rate": 0.03, **settings}, source="tiny"), "data_hash": "x",
    }  # fmt: skip
    (folder / rundir.JOB).write_text(json.dumps(job))
    return folder


def test_two_adapters_answer_differently_and_each_the_same_twice(tmp_path: Path) -> None:
    adapters = {}
    for name, answer in (("yes", "Yes, certainly."), ("no", "It is not available.")):
        folder = train_folder(tmp_path / name, [row(question=f"Order {i}?", answer=answer) for i in range(12)])
        assert run_worker("train", folder) == rundir.FINISHED, (folder / rundir.EVENTS).read_text()[-800:]
        adapters[name] = str(folder / rundir.MODEL)
    prompt = {
        "id": "p1",
        "messages": [
            {"role": "system", "parts": [{"type": "text", "text": "Be brief."}]},
            {"role": "user", "parts": [{"type": "text", "text": "Order 3?"}]},
            {"role": "assistant", "parts": [], "tool_calls": [{"id": "c1", "name": "get_order", "arguments": '{"id": 7}'}]},
            {"role": "tool", "tool_call_id": "c1", "parts": [{"type": "text", "text": '{"status": "shipped"}'}]},
        ],
        "tools": [{"name": "get_order", "description": "", "parameters": '{"type": "object"}'}],
    }  # fmt: skip
    said = {}
    for key, adapter in (("base", None), ("yes", adapters["yes"]), ("no", adapters["no"]), ("again", adapters["no"])):
        folder = tmp_path / f"answer-{key}"
        folder.mkdir()
        (folder / "prompts.jsonl").write_text(json.dumps(prompt) + "\n" + json.dumps({**prompt, "id": "p2"}) + "\n")
        job = {"what": "answer", "base": {"source": "tiny", "adapter": adapter}, "settings": {"max_new_tokens": 24}}
        (folder / rundir.JOB).write_text(json.dumps(job))
        if key == "no":  # half done, the last line torn: only what is missing is asked
            (folder / "answers.jsonl").write_text(json.dumps({"id": "p1", "kept": True}) + '\n{"id": "p2", "mess')
        assert run_worker("answer", folder) == rundir.FINISHED, (folder / rundir.EVENTS).read_text()[-800:]
        lines = [json.loads(line) for line in (folder / "answers.jsonl").read_text().splitlines()]
        assert [line["id"] for line in lines] == ["p1", "p2"]
        if key == "no":
            assert lines[0]["kept"]
        assert lines[1]["error"] == ""
        assert lines[1]["input_tokens"] > 0
        said[key] = lines[1]["message"]["parts"][0]["text"] if lines[1]["message"]["parts"] else ""
    assert len({said["base"], said["yes"], said["no"]}) == 3, said
    assert said["no"] == said["again"]


def test_a_folder_base_an_adapter_continued_and_a_base_that_is_none(tmp_path: Path, tokenizer: Any) -> None:
    from training.workers import tiny

    tiny.build(tmp_path / "base")
    base = {"source": "folder", "reference": str(tmp_path / "base")}
    first = train_folder(tmp_path / "first", [row()] * 4, base, max_steps=2)
    assert run_worker("train", first) == rundir.FINISHED
    more = {**base, "adapter": str(first / rundir.MODEL)}
    second = train_folder(tmp_path / "second", [row()] * 4, more, max_steps=2)
    assert run_worker("train", second) == rundir.FINISHED
    told, _, _ = rundir.read_events(second / rundir.EVENTS, 0)
    assert any("adapter of an earlier run" in one.get("message", "") for one in told)
    assert (second / rundir.MODEL / "adapter_model.safetensors").exists()
    nothing = train_folder(tmp_path / "none", [row()], {"source": "folder", "reference": str(tmp_path / "nope")})
    assert run_worker("train", nothing) == rundir.BAD_CONFIG
    other = train_folder(tmp_path / "other", [row()], {"source": "tiny", "digest": "0" * 64})
    assert run_worker("train", other) == rundir.BAD_CONFIG


def test_settings_reach_the_trainer(tmp_path: Path) -> None:
    folder = train_folder(tmp_path / "run", [row()] * 8, max_steps=2, lora_r=4, use_dora=True, use_rslora=True)
    assert run_worker("train", folder) == rundir.FINISHED
    made = json.loads((folder / rundir.MODEL / "adapter_config.json").read_text())
    assert (made["r"], made["use_dora"], made["use_rslora"]) == (4, True, True)
    assert made["base_model_name_or_path"] == bases.TINY
