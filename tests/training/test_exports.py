"""Exported files are what trainers take: loaded by `datasets`, learned by TRL's own trainers on the tiny model."""

import json
import math
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from curation.datasets.example import Example
from curation.datasets.exporting import validate
from curation.datasets.exporting.formats import find, several
from curation.datasets.rendering import bases, render
from curation.messages.form import Message, Tool, message
from curation.models import DatasetRow
from curation.scoring.graders import grade, sample_of
from tests import make
from workspace.models import Project

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
Write = Callable[[str, list[Example]], Path]

HOSTILE = 'a\u2028b\u2029c\x85d "\\ </s> {{ x }} 😀 e\u0301 \ud7ff'
FIND: Tool = {
    "name": "find",
    "description": "Finds what fits; ärger",
    "parameters": json.dumps({"type": "object", "properties": {"filter": {"type": "object"}, "a": {"default": None}}}),
}
ORDER: Tool = make.ORDER_TOOL  # type: ignore[assignment]
NESTED = {
    "filter": {"city": "São Paulo 😀", "tags": ["x", None, 3], "deep": {"a": {"b": [{}]}}},
    "most": 3,
    "all": True,
}
SYSTEM, QUESTION = message("system", "You help customers."), message("user", "Where is order 1017, and what fits it?")


def calling(*calls: tuple[str, str, Any], words: str = "") -> Message:
    """An answer that calls tools: (id, name, arguments)."""
    return message(
        "assistant", words, tool_calls=[make.call(name, json.dumps(given), id=at) for at, name, given in calls]
    )


# calls side by side, answered in another order, one with an error; arguments of one name and several types; none at all
PARALLEL = [
    SYSTEM,
    QUESTION,
    calling(("a", "find", NESTED), ("b", "get_order", {"order_id": "1017"})),
    make.tool_result("timeout: no answer in 30 s", id="b", is_error=True),
    make.tool_result('{"found": []}', id="a"),
    calling(("c", "get_order", {"order_id": 1017}), words="Once more."),
    make.tool_result(HOSTILE, id="c"),
    message("assistant", "It left the depot. 😀"),
    message("user", "And the other one?"),
    message("assistant", "That one waits for you."),
]
PLAIN = [
    message("user", HOSTILE),
    message("assistant", HOSTILE),
    message("user", "Go on, please"),
    message("assistant", "Yes."),
]
EMPTY = [QUESTION, calling(("d", "find", {})), make.tool_result("", id="d"), message("assistant", "Nothing fits.")]
TALKS = [(PARALLEL, [FIND, ORDER]), (PLAIN, []), (EMPTY, [FIND]), (PLAIN[2:], [])]
ENDS: list[tuple[list[Message], list[Message]]] = [
    ([message("assistant", "Better.")], [calling(("e", "find", {"q": "7"}))]),
    ([calling(("e", "find", {"q": {"k": 7}}))], [message("assistant", HOSTILE)]),
    ([calling(("f", "find", {"q": 7}), ("g", "find", {"q": None})), make.tool_result("no", id="f"),
      make.tool_result("yes", id="g"), message("assistant", "So it is.")], [message("assistant", "No.")]),
    ([calling(("e", "find", {"q": "8"}))], [calling(("e", "get_order", {"order_id": "8"}))]),
]  # fmt: skip
PROMPTS = [(PARALLEL[:-1], [FIND, ORDER]), (PLAIN[:3], []), (EMPTY[:1], [FIND]), (PLAIN[2:3], [])]


def rows_of(kind: str) -> list[Example]:
    """Rows of a kind, each with something that tables like to break; `tools` in some of them only."""
    if kind == "chat":
        return [Example(messages=said, tools=tools) for said, tools in TALKS]
    made = zip(PROMPTS, ENDS, range(4), strict=True)
    if kind == "pair":
        return [Example(said, tools, "pair", good, bad) for (said, tools), (good, bad), _ in made]
    if kind == "label":
        return [Example(said, tools, "label", end[at % 2], label=at % 2 == 0) for (said, tools), end, at in made]
    items: list[dict[str, Any]] = [{"reference_text": HOSTILE, "reference_tools": [{"name": "find", "arguments": {"a": 1}}]},
                                   {"reference_text": "", "level": 2}, {"level": 3, "reference_tools": []}, {}]  # fmt: skip
    return [Example(said, tools, "prompt", item=items[at]) for (said, tools), _, at in made]


@pytest.fixture
def write(project: Project, tmp_path: Path) -> Write:
    """Freezes rows and exports them with the command: (format, rows) -> file."""

    def go(name: str, rows: list[Example]) -> Path:
        version = make.dataset_version(project, train=0, validation=0, name=f"for-{name}", rows=len(rows))
        trace = make.trace(project)
        DatasetRow.objects.bulk_create(
            DatasetRow(version=version, position=at, trace=trace, revision=trace.revision, split="train", part=at,
                       split_group="g", digest=row.digest(), kind=row.kind, content=row.plain())
            for at, row in enumerate(rows, start=1)
        )  # fmt: skip
        file = tmp_path / f"{name}.jsonl"
        call_command("export_dataset", f"for-{name}", format=name, split="train", output=str(file))
        return file

    return go


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The tiny model and its tokenizer. It is reckoned in one thread: several wait for each other on a busy machine."""
    pytest.importorskip("trl")
    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    import torch

    from training.workers import tiny

    folder = tmp_path_factory.mktemp("tiny")
    tiny.build(folder)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield folder
    torch.set_num_threads(threads)


@pytest.fixture
def load(base: Path, tmp_path: Path) -> Callable[..., Any]:
    """`datasets.load_dataset("json", ...)` of a file."""
    from datasets import load_dataset

    def go(file: Path, **options: Any) -> Any:
        return load_dataset("json", data_files=str(file), split="train", cache_dir=str(tmp_path / "cache"), **options)

    return go


def lines(file: Path) -> list[Any]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]


def told(messages: list[Message]) -> list[Any]:
    """What was said and called, arguments as values."""
    said = [("".join(part["text"] for part in one["parts"]), one.get("tool_calls", [])) for one in messages]
    return [(words, [(call["name"], json.loads(call["arguments"])) for call in calls]) for words, calls in said]


def read(messages: list[Any]) -> list[Any]:
    """The same of messages that were loaded."""
    called = [[one["function"] for one in message.get("tool_calls") or []] for message in messages]
    return [
        (message["content"], [(one["name"], one["arguments"]) for one in calls])
        for message, calls in zip(messages, called, strict=True)
    ]


NAMES = ["trl-sft", "trl-prompt-completion", "trl-prompt-completion-turns", "trl-dpo", "trl-kto", "trl-grpo", "chatml",
         "sharegpt", "alpaca"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_what_is_loaded_is_what_was_said(name: str, write: Write, load: Callable[..., Any]) -> None:
    chosen = find(name)
    rows = rows_of(chosen.KINDS[0])
    rows = [one for one in rows if not any(found.level == "error" for found in validate.check(one, chosen))]
    assert len(rows) == (2 if name == "alpaca" else 4)
    file = write(name, rows)
    loaded = list(load(file))
    assert loaded == lines(file), "nothing merged, nothing invented, nothing rounded"
    if several(chosen) is not None or name in ("chatml", "sharegpt", "alpaca"):
        return
    for row, one in zip(rows, loaded, strict=True):
        tools = json.loads(one["tools"]) or []
        schemas = [(tool["function"]["name"], tool["function"]["parameters"]) for tool in tools]
        assert schemas == [(tool["name"], json.loads(tool["parameters"])) for tool in row.tools]
        said = [one[key] for key in ("messages", "prompt", "completion", "chosen", "rejected") if key in one]
        assert read([m for part in said for m in part]) == told([*row.messages, *row.chosen, *row.rejected])


@pytest.mark.parametrize(
    "name", ["trl-prompt-completion", "trl-prompt-completion-turns", "trl-dpo", "trl-kto", "trl-sft"]
)
def test_answers_that_are_all_alike_are_loaded_as_they_are(name: str, write: Write, load: Callable[..., Any]) -> None:
    """Where all messages of a column have the same keys, the loader looks into arguments, and takes "7" for 7 there."""
    given: list[Any] = ["7", {"k": 1}, "null", 7, "2024-01-01", '{"z": 1}', None]
    arguments: list[dict[str, Any]] = [*({"q": one} for one in given), *[{"q": "x"}] * 30, {}, {"other": [1]}]
    ends = [calling(("a", "find", one)) for one in arguments]
    kind = find(name).KINDS[0]
    if name == "trl-sft":  # without calls, all messages have the same keys; what is said here reads like dates
        days = [message("user", "2024-01-01T00:00:00"), message("assistant", "2024-01-02T00:00:00")]
        rows = [*[Example(days, [])] * 40, *rows_of("chat")]
    elif kind == "chat":
        rows = [Example([QUESTION, end], [FIND]) for end in ends]
    elif kind == "pair":
        worse = [calling(("a", "get_order", one)) for one in arguments]
        rows = [Example([QUESTION], [FIND], "pair", [end], [bad]) for end, bad in zip(ends, worse, strict=True)]
    else:
        rows = [Example([QUESTION], [FIND], "label", [end], label=bool(at % 2)) for at, end in enumerate(ends)]
    file = write(name, rows)
    assert list(load(file)) == list(load(file, chunksize=2_048)) == lines(file)


def test_a_long_file_loads_with_the_features_that_the_guide_names(write: Write, load: Callable[..., Any]) -> None:
    """The loader guesses types by the first 10 MB. Here a piece is a few lines, and prompts with calls come behind it."""
    from datasets import Features, Json, List, Value

    file = write("trl-dpo", [*[Example([QUESTION], [], "pair", *ENDS[3])] * 100, *rows_of("pair")])
    talk = List(Json())
    features = Features({"prompt": talk, "chosen": talk, "rejected": talk, "tools": Value("string")})
    assert list(load(file, features=features, chunksize=4_096)) == lines(file)


def test_decimals_are_rounded_as_is_remarked(write: Write, load: Callable[..., Any]) -> None:
    said = [QUESTION, calling(("a", "find", {"lat": 40.71277612345678, "small": 1e-12, "kept": 0.1234567891}))]
    rows = [Example(said, [FIND]), *rows_of("chat")]
    told_of = [found for found in validate.check(rows[0], find("trl-sft")) if found.code == "decimals_rounded"]
    assert [(found.level, "40.71277612345678" in found.reason) for found in told_of] == [("warning", True)]
    (call,) = load(write("trl-sft", rows))[0]["messages"][1]["tool_calls"]
    assert call["function"]["arguments"] == {"lat": 40.7127761235, "small": 0.0, "kept": 0.1234567891}


QUIET = {
    "max_steps": 2, "logging_steps": 1, "per_device_train_batch_size": 4, "report_to": "none", "save_strategy": "no",
    "use_cpu": True, "bf16": False, "gradient_checkpointing": False, "disable_tqdm": True,
}  # fmt: skip


@pytest.fixture
def parts(base: Path) -> tuple[Any, Any]:
    """Model and tokenizer anew."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoModelForCausalLM.from_pretrained(base), AutoTokenizer.from_pretrained(base)


def learn(trainer: Any) -> None:
    """Two steps, each with a finite loss."""
    trainer.train()
    losses = [log["loss"] for log in trainer.state.log_history if "loss" in log]
    assert len(losses) == 2
    assert all(math.isfinite(loss) for loss in losses)


def sft(parts: tuple[Any, Any], data: Any, folder: Path, **options: Any) -> Any:
    from trl import SFTConfig, SFTTrainer

    arguments = SFTConfig(output_dir=str(folder), **{**QUIET, "max_length": None, **options})
    return SFTTrainer(model=parts[0], args=arguments, train_dataset=data, processing_class=parts[1])


def labels(trainer: Any) -> list[tuple[list[int], list[bool]]]:
    """(tokens, whether each is learned) of every row, as the trainer's collator gives them to the model."""
    made = [trainer.data_collator([one]) for one in trainer.train_dataset]
    return [(one["input_ids"][0].tolist(), (one["labels"][0] != -100).tolist()) for one in made]


def test_sft_learns_what_the_page_shows(
    write: Write, load: Callable[..., Any], base: Path, parts: tuple[Any, Any], tmp_path: Path
) -> None:
    import trl

    marked = shutil.copytree(base, tmp_path / "marked")
    template = Path(trl.__file__).parent / "chat_templates" / "qwen3_instruct_2507_training.jinja"
    shutil.copy(template, marked / "chat_template.jinja")
    rows = rows_of("chat")
    trainer = sft(parts, load(write("trl-sft", rows)), tmp_path / "run", assistant_only_loss=True)
    tokenizer = parts[1]
    for row, (ids, learned) in zip(rows, labels(trainer), strict=True):
        (shown,) = render.render(row, bases.Base("tiny", "tiny", marked))
        text = "".join(piece.text for piece in shown.pieces)
        on = [piece.learned for piece in shown.pieces for _ in piece.text]
        encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        assert encoded["input_ids"] == ids
        assert [on[start] for start, _ in encoded["offset_mapping"]] == learned
        assert (shown.how, shown.exact, shown.tokens, shown.learned) == ("marks", True, len(ids), sum(learned))
    learn(trainer)


@pytest.mark.parametrize("name", ["trl-prompt-completion", "trl-prompt-completion-turns"])
def test_sft_learns_completions(
    name: str, write: Write, load: Callable[..., Any], parts: tuple[Any, Any], tmp_path: Path
) -> None:
    file = write(name, rows_of("chat"))
    trainer = sft(parts, load(file), tmp_path / "run")
    for one, (ids, learned) in zip(lines(file), labels(trainer), strict=True):
        said = parts[1].decode([token for token, on in zip(ids, learned, strict=True) if on])
        (answer,) = one["completion"]
        calls = [json.dumps(call["function"], ensure_ascii=False) for call in answer.get("tool_calls", [])]
        assert said.startswith(answer["content"]) and said.count("<|im_end|>") == 1
        assert all(call in said for call in calls) and said.count("<tool_call>") == len(calls)
    learn(trainer)


def test_a_text_is_learned_to_its_end_and_no_further(
    write: Write, load: Callable[..., Any], parts: tuple[Any, Any], tmp_path: Path
) -> None:
    trainer = sft(parts, load(write("chatml", rows_of("chat"))), tmp_path / "run")
    for row, (ids, _) in zip(rows_of("chat"), labels(trainer), strict=True):
        turns = len(row.messages) + bool(row.tools and row.messages[0]["role"] != "system")
        assert ids.count(parts[1].eos_token_id) == turns, "TRL puts its own end behind a text that has none"
    learn(trainer)


def test_rows_without_tools_are_told_of_none(
    write: Write, load: Callable[..., Any], parts: tuple[Any, Any], tmp_path: Path
) -> None:
    """The templates of Llama 3.1 and 3.2 explain how to call functions wherever there is a list, also an empty one."""
    import trl

    folder = Path(trl.__file__).parent / "chat_templates"
    parts[1].chat_template = (folder / "llama3_1.jinja").read_text(encoding="utf-8")
    trainer = sft(
        parts, load(write("trl-prompt-completion", [rows_of("chat")[2], rows_of("chat")[3]])), tmp_path / "run"
    )
    with_tools, without = [parts[1].decode(ids) for ids, _ in labels(trainer)]
    assert "Given the following functions" in with_tools
    assert "functions" not in without


def test_dpo_learns(write: Write, load: Callable[..., Any], parts: tuple[Any, Any], tmp_path: Path) -> None:
    from trl import DPOConfig, DPOTrainer

    rows = rows_of("pair")
    trainer = DPOTrainer(
        model=parts[0], args=DPOConfig(output_dir=str(tmp_path / "run"), max_length=None, **QUIET),
        train_dataset=load(write("trl-dpo", rows)), processing_class=parts[1],
    )  # fmt: skip
    for row, one in zip(rows, trainer.train_dataset, strict=True):
        prompt, good, bad = (parts[1].decode(one[key]) for key in ("prompt_ids", "chosen_ids", "rejected_ids"))
        assert prompt.endswith("<|im_start|>assistant\n")
        assert ("# Tools" in prompt) == bool(row.tools)
        for said, end in ((good, row.chosen), (bad, row.rejected)):
            assert said.count("<tool_call>") == sum(len(m.get("tool_calls", [])) for m in end)
            assert said.rstrip().endswith("<|im_end|>")
    learn(trainer)


def test_kto_learns(write: Write, load: Callable[..., Any], parts: tuple[Any, Any], tmp_path: Path) -> None:
    from trl import KTOConfig, KTOTrainer

    rows = rows_of("label")
    trainer = KTOTrainer(
        model=parts[0], args=KTOConfig(output_dir=str(tmp_path / "run"), max_length=None, **QUIET),
        train_dataset=load(write("trl-kto", rows)), processing_class=parts[1],
    )  # fmt: skip
    assert [one["label"] for one in trainer.train_dataset] == [row.label for row in rows]
    assert [("# Tools" in parts[1].decode(one["prompt_ids"])) for one in trainer.train_dataset] == [
        bool(row.tools) for row in rows
    ]
    learn(trainer)


CLOSE = {
    "type": "text_similarity", "name": "close", "input": "{{ sample.output_text }}", "reference": "Order 7 is on its way.",
    "evaluation_metric": "fuzzy_match",
}  # fmt: skip


def test_grpo_asks_and_rewards(write: Write, load: Callable[..., Any], parts: tuple[Any, Any], tmp_path: Path) -> None:
    from trl import GRPOConfig, GRPOTrainer

    seen: list[dict[str, Any]] = []
    rewarded: list[float | None] = []

    def reward(completions: list[Any], **columns: Any) -> list[float | None]:
        """The grade that traces, rows and comparisons get, by the same code."""
        seen.append(columns)
        said = [sample_of(message("assistant", one[0]["content"])) for one in completions]
        rewarded.extend(grade(CLOSE, sample, {}).value for sample in said)
        return rewarded[-len(said) :]

    arguments = GRPOConfig(
        output_dir=str(tmp_path / "run"), num_generations=2, max_completion_length=8, shuffle_dataset=False, **QUIET
    )  # fmt: skip
    rows = rows_of("prompt")
    trainer = GRPOTrainer(
        model=parts[0], args=arguments, train_dataset=load(write("trl-grpo", rows)), processing_class=parts[1],
        reward_funcs=reward,
    )  # fmt: skip
    learn(trainer)
    assert len(rewarded) == 8 and all(one is not None and 0 <= one <= 1 for one in rewarded)
    given = {
        key: [value for one in seen for value in one[key]] for key in ("reference_text", "reference_tools", "level")
    }
    assert given["reference_text"] == [HOSTILE, HOSTILE, "", "", None, None, None, None]
    assert [json.loads(one) if one else one for one in given["reference_tools"][::2]] == [
        [{"name": "find", "arguments": {"a": 1}}], None, [], None,
    ]  # fmt: skip
    assert given["level"][::2] == [None, 2, 3, None]
    shown = [json.loads(one) for columns in seen for one in columns["tools"]]
    assert [bool(one) for one in shown[::2]] == [True, False, True, False]
    for row in (rows[0], rows[2]):
        codes = [found.code for found in validate.check(row, find("trl-grpo"))]
        assert "tools_not_shown" in codes, "the trainer shows functions that it is given, not a column"
