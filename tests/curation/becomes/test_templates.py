"""Chat templates are rendered as transformers renders them, and marks stand where it puts them."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import jinja2
import pytest

from curation.datasets.example import Example
from curation.datasets.exporting.formats import chatml, trl_sft
from curation.datasets.exporting.formats.content import tool_schema
from curation.datasets.rendering import templates
from curation.datasets.rendering.bases import _SPECIAL
from tests import make

OURS = Path(templates.__file__).parent / "chatml.jinja"
OWN = {
    "plain": "{% for message in messages %}<{{ message.role }}>{{ message['content'] | trim }}\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}",
    "marked": "{{ bos_token }}{% for m in messages %}{% if m.role == 'assistant' %}[A]{% generation %}{{ m.content }}{{ eos_token }}"
    "{% endgeneration %}{% else %}[{{ m.role | upper }}]{{ m.content }}{% endif %}\n{% endfor %}",
    "loop controls": "{% for m in messages %}{% if m.role == 'system' %}{% continue %}{% endif %}{{ loop.index }}:{{ m.content }};"
    "{% if loop.index > 5 %}{% break %}{% endif %}{% endfor %}",
    "namespace": "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}"
    "{{ ns.n }} {{ tools | tojson(indent=2) }}",
    "macro": "{% macro turn(m) %}<|{{ m.role }}|>{% generation %}{{ m.content }}{% endgeneration %}{% endmacro %}"
    "{% for m in messages %}{{ turn(m) }}{% endfor %}",
    "sliced": "{% for m in messages[1:] %}{{ m.role }} {{ m.content }}\n    {% endfor %}",
}  # fmt: skip


def conversations() -> dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
    """Messages and tools as trainers get them."""
    said = make.long_document(turns=3)["conversations"][0] if hasattr(make, "long_document") else None
    calls = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Where are orders 1 and 2? <b>&\u2028é</b>"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": f"c{n}", "type": "function", "function": {"name": "get_order", "arguments": {"id": n, "deep": {"a": [None]}}}}
                for n in (1, 2)
            ],
        },
        {"role": "tool", "content": '{"status": "sent"}', "tool_call_id": "c1", "name": "get_order"},
        {"role": "tool", "content": "not found", "tool_call_id": "c2", "name": "get_order"},
        {"role": "assistant", "content": "  One is sent.  \n"},
        {"role": "user", "content": "Thanks"},
        {"role": "assistant", "content": "You are welcome."},
    ]  # fmt: skip
    schema = {
        "type": "function",
        "function": {
            "name": "get_order",
            "description": "Of one order.",
            "parameters": {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]},
        },
    }
    plain = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello <think>no</think>"}]
    found = {"with calls": (calls, [schema]), "plain": (plain, []), "no system": (calls[1:], [schema])}
    if said:
        found["long"] = (trl_sft.chat(said["messages"], {}), [])
    return found


def every_template() -> list[tuple[str, str]]:
    found = [*OWN.items(), ("ours", OURS.read_text())]
    spec = importlib.util.find_spec("trl")
    if spec and spec.origin:
        folder = Path(spec.origin).parent / "chat_templates"
        found += [(path.stem, path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.jinja"))]
    return found


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """A small byte-level tokenizer, made on the spot."""
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=special,
        show_progress=False,
    )
    made.train_from_iterator(["where is the order of the user", json.dumps(conversations()["plain"])], trainer)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token="<|endoftext|>", eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )


def test_text_and_mask_are_those_of_transformers(tokenizer: Any, tmp_path: Path) -> None:

    from tokenizers import Tokenizer

    from curation.datasets.rendering import child

    tokenizer.save_pretrained(tmp_path)
    rust = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    special = {name: config[name] for name in _SPECIAL if config.get(name)}
    compared = marked = refused = 0
    for name, source in every_template():
        ours = templates.Template(source)
        for which, (messages, tools) in conversations().items():
            where = f"{name}, {which}"
            given: dict[str, Any] = {"tools": tools or None, "chat_template": source}
            try:
                text = tokenizer.apply_chat_template(messages, tokenize=False, **given)
            except Exception as error:
                with pytest.raises(type(error)):
                    ours.render(messages, **special, tools=tools or None, add_generation_prompt=False)
                refused += 1
                continue
            made = ours.render(messages, **special, tools=tools or None, add_generation_prompt=False)
            assert made.text == text, where
            compared += 1
            if not ours.has_marks:
                continue
            theirs = tokenizer.apply_chat_template(
                messages, return_dict=True, return_assistant_tokens_mask=True, **given
            )
            counted = child._tokens(made.text, made.spans, special["eos_token"], rust)
            assert counted["ids"] == list(theirs["input_ids"]), where
            assert counted["marked"] == list(theirs["assistant_masks"]), where
            marked += 1
    assert compared > 100 if importlib.util.find_spec("trl") else compared >= len(OWN)
    assert marked > 4
    print(f"{compared} texts, {marked} masks equal; {refused} refused by both")


@pytest.mark.parametrize("which", conversations())
def test_our_chatml_is_what_the_format_writes(which: str) -> None:
    document = make.short_document(question="Where?")["conversations"][0]
    for tools in ([], [{"name": "f", "description": "d", "parameters": '{"type": "object"}'}]):
        example = Example(messages=document["messages"], tools=tools)  # type: ignore[arg-type]
        made = templates.Template(OURS.read_text()).render(
            trl_sft.chat(example.messages, {}),
            tools=[tool_schema(tool) for tool in example.tools] or None,
            add_generation_prompt=False,
        )
        assert made.text == chatml.write(example)["text"] + "\n"
    messages, schemas = conversations()[which]
    made = templates.Template(OURS.read_text()).render(messages, tools=schemas, add_generation_prompt=False)
    said = [made.text[begin:end] for begin, end in made.spans]
    assert len(said) == sum(message["role"] == "assistant" for message in messages)
    assert all(one.endswith("<|im_end|>") for one in said)


def test_messages_are_told_apart_in_every_template_that_goes_over_them() -> None:
    told = 0
    for _, source in every_template():
        template = templates.Template(source)
        for messages, tools in conversations().values():
            try:
                made = template.render(
                    messages, tools=tools, bos_token="<s>", eos_token="</s>", add_generation_prompt=False
                )
            except Exception:
                continue
            places = [place for place, _ in made.places]
            assert places == sorted(places)
            if not made.places:
                continue
            told += 1
            bounds = [*places[1:], len(made.text)]
            last = {
                number: made.text[begin:end]
                for (begin, number), end in zip(made.places, bounds, strict=True)
                if end > begin
            }
            if "You are welcome." in made.text and len(messages) > 6:
                assert "You are welcome." in last.get(len(messages) - 1, "You are welcome."), source[:200]
    assert told > 3


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ messages.__init__.__globals__ }}",
        "{{ raise_exception.__globals__ }}",
        "{{ self.__init__.__globals__['os'].system('true') }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{{ messages.append({'role': 'user'}) }}",
        "{{ namespace.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ ('%c' * 3).format.__globals__ }}",
        "{% for x in range(10000000) %}{% endfor %}",
    ],
)
def test_the_sandbox_gives_nothing_away(source: str) -> None:
    try:
        text = templates.Template(source).render([{"role": "user", "content": "x"}], tools=None).text
    except (jinja2.TemplateError, TypeError, OverflowError, RuntimeError):
        return
    assert text.strip() == "", text
