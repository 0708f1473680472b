"""Steps that are kept, masked or cut: said on the page, pinned by freezing, carried into the files."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.test import Client
from django.urls import reverse

from curation.datasets import becomes, build, read
from curation.datasets.example import Example
from curation.datasets.exporting.export import line_of
from curation.datasets.exporting.formats import FORMATS
from curation.datasets.exporting.stored import read_rows
from curation.datasets.recipe import parse
from curation.messages.form import Document, message
from curation.models import Correction, Score, StepUse, StepVerdict, Trace
from curation.review import step_uses
from curation.review.invalid import Invalid
from tests import make
from tests.curation.becomes.test_render import MARKED, words_tokenizer
from tests.curation.datasets import rows
from workspace.access import Actor
from workspace.models import AuditEntry, Project, User

pytestmark = pytest.mark.django_db


@dataclass
class Cast:
    """Who is here."""

    project: Project
    other_project: Project
    rita: User
    alice: User
    ada: User


@pytest.fixture
def cast(project: Project, rita: User, alice: User, ada: User, charlie: User) -> Cast:
    return Cast(project, Project.objects.get(slug="other"), rita, alice, ada)


def with_calls() -> Document:
    """system, user, an answer with two calls, two results, an answer, user, the last answer."""
    return make.document(
        message("system", "Be brief."),
        message("user", "Where are orders 1 and 2?"),
        {
            **message("assistant", "Let me see."),
            "tool_calls": [make.call("get_order", '{"id": 1}', "c1"), make.call("get_order", '{"id": 2}', "c2")],
        },
        make.tool_result("sent", "c1"),
        make.tool_result("not found", "c2"),
        message("assistant", "One is sent."),
        message("user", "Thanks"),
        message("assistant", "You are welcome."),
    )


@pytest.fixture
def taken(cast: Cast) -> Trace:
    return rows.trace(cast.project, with_calls(), judged="acceptable", by=cast.rita)


def use(cast: Cast, trace: Trace, step: str, wanted: str) -> step_uses.Said:
    return step_uses.say(
        project=cast.project, actor=Actor(user=cast.rita), trace_uid=trace.uid, step_key=step, use=wanted
    )


def keys(trace: Trace) -> list[str]:
    assert trace.revision is not None
    return [step.key for step in step_uses.steps_of(trace.revision.document)]


def frozen(cast: Cast, **recipe: Any) -> Any:
    return build.freeze(
        project=cast.project, name="d", query_text="", actor=Actor(user=cast.rita), recipe=parse(recipe)
    )


def line(version: Any, form: str = "openai-sft") -> dict[str, Any]:
    (row,) = read_rows(version)
    written: dict[str, Any] = orjson.loads(line_of(FORMATS[form].write(row.example)))
    return written


def test_from_the_page_into_the_file(cast: Cast, taken: Trace, client: Client) -> None:
    client.force_login(cast.rita)
    page = reverse("curation:trace-becomes", args=[cast.project.slug, taken.uid])
    act = reverse("curation:step-use", args=[cast.project.slug, taken.uid])
    steps = keys(taken)  # system, user, answer, call 1, call 2, answer, user, answer
    for step, wanted in ((steps[2], "mask"), (steps[4], "cut")):
        done = client.post(act, {"step": step, "use": wanted, "revision": 1}, follow=True)
        assert done.status_code == 200
        assert "Undo" in done.content.decode()
    shown = client.get(page).content.decode()
    assert "2 of 8 not kept" in shown
    assert "context only, said" in shown
    found = becomes.stepped(project=cast.project, trace_uid=taken.uid)
    assert [(one.number, one.message, one.result) for one in found.steps] == [
        (1, 1, None), (2, 2, None), (3, 3, None), (4, 3, 4), (5, None, None), (6, 5, None), (7, 6, None), (8, 7, None),
    ]  # fmt: skip
    assert "in message 3, its result is message 4" in shown and shown.count("not in the row") == 1
    version = frozen(cast)
    (row,) = version.rows.all()
    assert row.edits == {"2": "mask", "2.1": "cut"}
    said = line(version)["messages"]
    assert [one["role"] for one in said] == ["system", "user", "assistant", "tool", "assistant", "user", "assistant"]
    assert said[2]["weight"] == 0
    assert [call["id"] for call in said[2]["tool_calls"]] == ["c1"]
    assert "not found" not in json.dumps(said)
    assert line(version, "trl-sft")["messages"][2]["weight"] == 0
    row_page = client.get(
        reverse("curation:dataset-row", args=[cast.project.slug, "d", version.number, 1])
    ).content.decode()
    assert "1 message masked, 1 step cut" in row_page
    # the version stays what it is when the word is taken back
    client.post(act, {"step": steps[2], "use": "keep"})
    assert line(version)["messages"][2]["weight"] == 0
    assert AuditEntry.objects.filter(action="step.used").count() == 3


def test_undo_says_what_stood_before(cast: Cast, taken: Trace) -> None:
    key = keys(taken)[5]
    first = use(cast, taken, key, "cut")
    assert (first.before, use(cast, taken, key, "cut").before) == ("keep", "cut")
    assert use(cast, taken, key, first.before).use == "keep"
    assert not StepUse.objects.exists()
    assert AuditEntry.objects.filter(action="step.used").count() == 2, "saying it again is no act"


def test_what_cannot_be_said(cast: Cast, taken: Trace) -> None:
    steps = keys(taken)
    for step, wanted, reason in (
        (steps[1], "mask", "never learned"),
        ("nowhere", "cut", "not a step"),
        (steps[2], "burn", "must be one of"),
    ):
        with pytest.raises(Invalid, match=reason):
            use(cast, taken, step, wanted)
    with pytest.raises(Trace.DoesNotExist):
        step_uses.say(
            project=cast.other_project, actor=Actor(user=cast.rita), trace_uid=taken.uid, step_key=steps[2], use="cut"
        )
    rows.revise(taken, make.short_document(question="Anew?"))
    with pytest.raises(Invalid, match="not the newest"):
        step_uses.say(
            project=cast.project,
            actor=Actor(user=cast.rita),
            trace_uid=taken.uid,
            step_key=steps[2],
            use="cut",
            revision=1,
        )


def test_cutting_a_message_cuts_its_calls_and_their_results(cast: Cast, taken: Trace) -> None:
    use(cast, taken, keys(taken)[2], "cut")
    said = line(frozen(cast))["messages"]
    assert [one["role"] for one in said] == ["system", "user", "assistant", "user", "assistant"]


def test_a_row_without_anything_to_learn_is_left_out(cast: Cast, taken: Trace) -> None:
    steps = keys(taken)
    for step in (steps[2], steps[5], steps[7]):
        use(cast, taken, step, "mask")
    found = becomes.become(project=cast.project, trace_uid=taken.uid)
    assert not found.reason.included
    assert found.example is not None
    assert not any(found.example.trained)
    with pytest.raises(build.NothingToFreeze):
        frozen(cast)


def test_steps_judged_bad_are_masked_where_the_recipe_says_so(cast: Cast, taken: Trace) -> None:
    steps = keys(taken)
    for user, value in ((cast.rita, "bad"), (cast.alice, "bad"), (cast.ada, "good")):
        StepVerdict.objects.create(
            project=cast.project,
            trace=taken,
            revision=taken.revision,
            step_key=steps[3],
            user=user,
            author="x",
            value=value,
        )
    document = taken.revision.document  # type: ignore[union-attr]
    assert step_uses.edits_of({taken.pk: document}) == {}
    assert step_uses.edits_of({taken.pk: document}, bad_steps="mask") == {taken.pk: {0: {"2": "mask"}}}
    assert line(frozen(cast, bad_steps="mask"))["messages"][2]["weight"] == 0


def test_uses_follow_a_trace_that_grows(cast: Cast, taken: Trace) -> None:
    document = with_calls()
    use(cast, taken, keys(taken)[5], "cut")
    use(cast, taken, keys(taken)[2], "mask")
    document["conversations"][0]["messages"].append(message("user", "One more"))
    rows.revise(taken, document)
    assert step_uses.edits_of({taken.pk: document}) == {taken.pk: {0: {"5": "cut", "2": "mask"}}}
    use(cast, taken, keys(taken)[5], "keep")
    assert set(StepUse.objects.values_list("revision_id", flat=True)) == {taken.revision_id}
    assert step_uses.edits_of({taken.pk: document}) == {taken.pk: {0: {"2": "mask"}}}


def test_a_corrected_answer_is_no_longer_masked_and_the_rest_moves() -> None:
    before = with_calls()["conversations"][0]["messages"]
    after = [
        message("system", "New"),
        message("user", "first"),
        *before[1:5],
        message("assistant", "Both are sent."),
        *before[6:],
    ]
    assert step_uses.moved({"2": "mask", "2.1": "cut", "5": "cut", "7": "mask"}, before, after) == {
        "3": "mask", "3.1": "cut", "8": "mask",
    }  # fmt: skip


def test_a_masked_answer_is_not_wanted_because_somebody_corrected_it(cast: Cast, taken: Trace) -> None:
    use(cast, taken, keys(taken)[-1], "mask")
    rows.correct(taken, cast.rita, "Gladly.")
    given = {"task": "labels", "corrections": "use"}
    with pytest.raises(build.NothingToFreeze, match=r"(?i)mask"):
        frozen(cast, task_options={"corrections": "ignore"}, **given)
    both = frozen(cast, task_options={"corrections": "wanted"}, **given)
    told = [(row.content["label"], row.content["chosen"][0]["parts"][0]["text"]) for row in both.rows.order_by("part")]
    assert told == [(False, "You are welcome."), (True, "Gladly.")]


def test_what_was_cut_stays_out_of_the_prompt_of_a_corrected_answer(cast: Cast) -> None:
    said = with_calls()["conversations"][0]["messages"][:6]
    taken = rows.trace(cast.project, make.document(*said), judged="acceptable", by=cast.rita)
    use(cast, taken, keys(taken)[4], "cut")
    after = [said[0], message("user", "Good morning."), *said[1:5], message("assistant", "Both are sent.")]
    Correction.objects.create(
        project=cast.project, trace=taken, revision=taken.revision, user=cast.rita, author="Rita", messages=after
    )
    Score.objects.create(project=cast.project, trace=taken, name="recovery_strategy", category="retry", source="human")
    (row,) = frozen(cast, task="error_recovery", corrections="use").rows.all()
    assert "sent" in json.dumps(row.content) and "not found" not in json.dumps(row.content)
    (chat,) = frozen(cast, corrections="use").rows.all()
    assert chat.edits == {"3.1": "cut"}, "of the correction's messages"


def test_a_pair_shows_both_answers_and_who_takes_it() -> None:
    pair = Example(
        messages=[message("user", "Hi")], tools=[], kind="pair",
        chosen=[message("assistant", "Good")], rejected=[message("assistant", "Bad")],
    )  # fmt: skip
    assert [(one.side, one.learned) for one in read._lines(pair)] == [
        ("", False),
        ("chosen", True),
        ("rejected", False),
    ]
    takes = {one.format.NAME: one.takes for one in read.verdicts(pair)}
    assert takes["trl-dpo"]
    assert takes["openai-dpo"]
    assert not takes["openai-sft"]
    chat = Example(
        messages=[message("user", "Where is my order?"), message("assistant", "It is on its way.")], tools=[]
    )
    why = {one.format.NAME: one.why for one in read.verdicts(chat)}
    assert "pair" in why["openai-dpo"]
    assert why["openai-sft"] == ""


def test_the_page_renders_with_a_chosen_template_and_with_no_other(
    cast: Cast, taken: Trace, client: Client, settings: Any, tmp_path: Path
) -> None:
    words_tokenizer(tmp_path / "bases" / "words", MARKED)
    words_tokenizer(tmp_path / "elsewhere", MARKED)
    settings.TOKENIZER_FOLDERS, settings.MODEL_FOLDERS = [tmp_path / "bases"], []
    client.force_login(cast.rita)
    page = reverse("curation:trace-becomes", args=[cast.project.slug, taken.uid])
    ours = client.get(page).content.decode()
    assert "estimate: characters / 4" in ours
    shown = client.get(page, {"base": "words", "length": "20"}).content.decode()
    assert "estimate" not in shown
    assert "Cut at 20" in shown
    assert '<option value="words" selected>' in shown
    for key in ("../elsewhere", str(tmp_path / "elsewhere")):
        assert "There is no chat template" in client.get(page, {"base": key}).content.decode()
    assert "must be a whole number" in client.get(page, {"length": "many"}).content.decode()
    part = client.get(page, {"part": "page", "base": "words"}, headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<div id="becomes"')


def test_that_other_trainers_learn_what_is_masked_is_said_first() -> None:
    said = with_calls()["conversations"][0]["messages"]
    row = Example(messages=[*said[:2], {**said[2], "weight": 0}, *said[3:]], tools=[])
    found = {line.format.NAME: [one.code for one in line.warnings] for line in becomes.lines(row)}
    assert found["trl-sft"][0] == "weight_not_kept" and len(found["trl-sft"]) > 1
    assert all(codes[0] == "weight_not_kept" for codes in found.values() if "weight_not_kept" in codes)
