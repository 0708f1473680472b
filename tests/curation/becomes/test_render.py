"""A row as text and tokens: counts, what is learned, what a length cuts off, and templates that mean harm."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from curation.datasets.example import Example
from curation.datasets.rendering import bases, render
from curation.messages.form import Message, message
from workspace.models import Project

MARKED = (
    "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{{ eos_token }}"
    "{% endgeneration %}{% else %}{{ m.content }}{{ eos_token }}{% endif %}{% endfor %}"
)
UNMARKED = (
    "{% for m in messages %}[{{ m.role }}]{{ m.content }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)
REWRITES = (
    "{% for m in messages %}[{{ m.role }}]{% if loop.last %}{{ m.content }}{% else %}{{ m.content | upper }}{% endif %}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)


def words_tokenizer(folder: Path, template: str | None, **config: Any) -> Path:
    """A tokenizer whose tokens are words and signs, so that counts can be read off."""
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

    folder.mkdir(parents=True, exist_ok=True)
    made = Tokenizer(models.WordLevel({"<unk>": 0}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.add_special_tokens([AddedToken("<s>", normalized=False), AddedToken("</s>", normalized=False)])
    made.save(str(folder / "tokenizer.json"))
    said = {"bos_token": "<s>", "eos_token": {"content": "</s>"}, **config}
    (folder / "tokenizer_config.json").write_text(json.dumps(said))
    if template is not None:
        (folder / "chat_template.jinja").write_text(template)
    return folder


def base(tmp_path: Path, template: str) -> bases.Base:
    return bases.Base("w", "w", words_tokenizer(tmp_path / "w", template))


def chat(*more: Message) -> Example:
    said = [
        message("system", "Be brief"),
        message("user", "Where is it"),
        message("assistant", "In the depot"),
        message("user", "When"),
        message("assistant", "Tomorrow"),
    ]
    return Example(messages=[*said, *more], tools=[])


def learned(text: render.Text) -> str:
    return "|".join(piece.text for piece in text.pieces if piece.learned)


def test_marks_counts_and_shares(tmp_path: Path) -> None:
    (text,) = render.render(chat(), base(tmp_path, MARKED))
    assert "".join(piece.text for piece in text.pieces) == (
        "<s>[system]Be brief</s>[user]Where is it</s>[assistant]In the depot</s>[user]When</s>[assistant]Tomorrow</s>"
    )
    assert (text.how, text.exact) == ("marks", True)
    assert learned(text) == "In the depot|</s>|Tomorrow|</s>"
    assert [(one.index, one.role, one.tokens, one.learned) for one in text.shares] == [
        (None, "template", 1, 0), (0, "system", 6, 0), (1, "user", 7, 0), (2, "assistant", 7, 4), (3, "user", 5, 0),
        (4, "assistant", 5, 2),
    ]  # fmt: skip
    assert (text.tokens, text.learned) == (31, 6)
    assert [piece.text for piece in text.pieces if piece.special] == ["<s>", "</s>", "</s>", "</s>", "</s>", "</s>"]


def test_what_a_length_cuts_off(tmp_path: Path) -> None:
    (text,) = render.render(chat(), base(tmp_path, MARKED), limit=20)
    assert (text.tokens, text.cut, text.cut_learned) == (31, 11, 3)
    assert text.first_cut is not None
    assert text.first_cut.index == 2
    assert [one.index for one in text.all_cut] == [3, 4]
    assert "".join(piece.text for piece in text.pieces if piece.cut) == "</s>[user]When</s>[assistant]Tomorrow</s>"
    (whole,) = render.render(chat(), base(tmp_path, MARKED), limit=31)
    assert whole.cut == 0 and whole.first_cut is None


def test_a_masked_message_is_context(tmp_path: Path) -> None:
    said = chat().messages
    row = Example(messages=[*said[:2], {**said[2], "weight": 0}, *said[3:]], tools=[])
    for template in (MARKED, UNMARKED):
        (text,) = render.render(row, base(tmp_path, template))
        assert learned(text).startswith("Tomorrow"), template
        assert learned(render.render(chat(), base(tmp_path, template))[0]).startswith("In the depot")


def test_without_marks_the_answers_are_found_by_beginnings_or_not_claimed(tmp_path: Path) -> None:
    (text,) = render.render(chat(), base(tmp_path, UNMARKED))
    assert (text.how, learned(text)) == ("prefix", "In the depot|</s>|Tomorrow|</s>")
    (text,) = render.render(chat(), base(tmp_path, REWRITES))
    assert (text.how, learned(text), text.learned) == ("unknown", "", 0)
    assert "rewrites earlier turns" in text.why


def test_pairs_labels_and_prompts() -> None:
    ours = bases.Base(bases.OURS, "ours")
    prompt, good, bad = chat().messages[:2], [message("assistant", "Yes")], [message("assistant", "No way")]
    chosen, rejected = render.render(Example(messages=prompt, tools=[], kind="pair", chosen=good, rejected=bad), ours)
    assert (chosen.title, learned(chosen)) == ("Chosen", "Yes|<|im_end|>")
    assert (rejected.title, learned(rejected)) == ("Rejected", "No way|<|im_end|>")
    (label,) = render.render(Example(messages=prompt, tools=[], kind="label", chosen=bad, label=False), ours)
    assert label.title == "Unwanted answer"
    (asked,) = render.render(Example(messages=prompt, tools=[], kind="prompt"), ours)
    assert asked.how == "context" and asked.pieces[-1].text.endswith("assistant\n")
    assert not chosen.exact


def test_an_estimate_is_four_characters_a_token() -> None:
    (text,) = render.render(chat(), bases.Base(bases.OURS, "ours"), limit=10)
    whole = "".join(piece.text for piece in text.pieces)
    assert text.tokens == -(-len(whole) // 4)
    kept = "".join(piece.text for piece in text.pieces if not piece.cut)
    assert 40 <= len(kept) <= 48


def test_what_cannot_be_rendered_says_why(tmp_path: Path) -> None:
    picture: Message = {"role": "user", "parts": [{"type": "image", "url": "https://h/x.png"}]}
    with pytest.raises(render.CannotRender, match=r"messages\[0\] holds image"):
        render.render(Example(messages=[picture], tools=[]), bases.Base(bases.OURS, "ours"))
    with pytest.raises(render.CannotRender, match="roles must alternate"):
        render.render(chat(), base(tmp_path, "{{ raise_exception('roles must alternate') }}"))
    with pytest.raises(render.CannotRender, match="refuses this row"):
        render.render(chat(), base(tmp_path, "{% for x in %}"))


@pytest.mark.parametrize(
    "hostile",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{{ 'x' * 9999999999999 }}",
        "{% set ns = namespace(t='x') %}{% for a in range(60) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}{{ ns.t | length }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% for a in range(90000) %}{{ 'x' * 1000 }}{% endfor %}",
        "{{ '%0999999999d' % 1 }}",
    ],
)
def test_a_template_that_would_never_end_or_eat_everything_is_stopped(
    tmp_path: Path, hostile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render, "SECONDS", 2.0)
    began = time.monotonic()
    with pytest.raises(render.CannotRender):
        render.render(chat(), base(tmp_path, hostile))
    assert time.monotonic() - began < 8


def test_the_child_can_open_nothing(tmp_path: Path) -> None:
    """Even code that came out of the sandbox finds no door: files cannot be opened, and nothing of ours is in its air."""
    import subprocess
    import sys

    child = Path(render.__file__).parent / "child.py"
    code = (
        f"import runpy, sys; space = runpy.run_path({str(child)!r}); space['_confine']()\n"
        "for act in (lambda: open('/etc/hostname'), lambda: __import__('socket').socket(), lambda: __import__('os').fork()):\n"
        "    try: act(); print('could')\n"
        "    except (OSError, ImportError) as error: print('could not')\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False, env={})
    assert done.stdout.split("\n")[:2] == ["could not", "could not"], done


@pytest.mark.django_db
def test_which_folders_can_be_chosen(tmp_path: Path, settings: Any) -> None:
    words_tokenizer(tmp_path / "tokenizers" / "one", MARKED)
    words_tokenizer(tmp_path / "bases" / "one", UNMARKED)
    words_tokenizer(tmp_path / "bases" / "listed", None, chat_template=[
        {"name": "default", "template": "plain"}, {"name": "tool_use", "template": "with tools"}
    ])  # fmt: skip
    words_tokenizer(tmp_path / "secret", MARKED)
    (tmp_path / "bases" / "empty").mkdir()
    (tmp_path / "bases" / "again").symlink_to(tmp_path / "bases" / "listed")
    settings.TOKENIZER_FOLDERS, settings.MODEL_FOLDERS = (
        [tmp_path / "tokenizers"],
        [tmp_path / "bases", tmp_path / "no"],
    )
    settings.TOKENIZER_SOURCES = []
    found = bases.listed(Project.objects.create(name="P", slug="p"))
    assert [one.key for one in found.bases] == ["chatml", "one", "again", "one (2)"]
    assert found.find("").folder is None
    assert found.find("again").template(tools=True) == "with tools"
    assert found.find("again").template(tools=False) == "plain"
    for key in ("../secret", "secret", str(tmp_path / "secret"), "one/../../secret"):
        with pytest.raises(bases.UnknownBase):
            found.find(key)
