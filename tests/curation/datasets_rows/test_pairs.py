"""Pairs from every source, with every skip counted and every trace told why."""

from typing import Any

import pytest
from django.utils import timezone

from curation.datasets import tasks
from curation.datasets.pairing.words import SKIPS, explain
from curation.datasets.recipe import Recipe
from curation.datasets.recipe_parts import Gate
from curation.datasets.tasks.form import Gathered, Made
from curation.messages.form import Message, message, text_of
from curation.models import Batch, BatchItem, Preference, Score, StepUse, StepVerdict, Trace
from tests import make
from tests.curation.datasets import rows
from workspace.models import Project, User

pytestmark = pytest.mark.django_db
LONG = "It left the depot this morning and should reach you by Friday."


def gather(project: Project, recipe: Recipe | None = None, **options: Any) -> tuple[list[Made], Gathered]:
    task = tasks.find("pairs")
    ids = list(Trace.objects.filter(project=project).order_by("id").values_list("id", flat=True))
    found = task.gather(project=project, traces=ids, recipe=recipe or Recipe(), options=tasks.check(task, options))
    made = list(found.made)
    held = {one.trace_id for one in made} | found.other
    assert held.isdisjoint(found.left)
    assert held | found.left.keys() == set(ids), "every trace has its reason"
    assert found.skips.keys() <= SKIPS.keys()
    return made, found


def asked(question: str, *after: Message) -> dict[str, Any]:
    return make.document(message("system", "Be kind."), message("user", question), *after, tools=[make.ORDER_TOOL])


def said(row: Made) -> tuple[str, str]:
    return text_of(row.example.chosen[0]), text_of(row.example.rejected[0])


def prefer(left: Trace, right: Trace, user: User, choice: str, **fields: Any) -> Preference:
    return Preference.objects.create(
        project=left.project, left_trace=left, left_revision=left.revision, right_trace=right,
        right_revision=right.revision, choice=choice, user=user, author=str(user), **fields,
    )  # fmt: skip


def candidates(trace: Trace, grades: list[dict[str, Any] | None], texts: list[str] | None = None, **item: Any) -> Batch:
    """A finished generation batch of one trace; a grade of None is a candidate that failed."""
    batch, _ = Batch.objects.get_or_create(project=trace.project, kind="generate", status="done", author="tests")
    prompt = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Where is it?"}]
    for number, grade in enumerate(grades):
        text = texts[number] if texts else f"Answer {number} of all"
        BatchItem.objects.create(
            batch=batch, trace=trace, revision=trace.revision, ordinal=number, grades=grade or {},
            **{"status": "done" if grade is not None else "failed", "prompt": prompt,
               "answer": {"choices": [{"message": {"role": "assistant", "content": text}}]}, **item},
        )  # fmt: skip
    return batch


def value(number: Any, **fields: Any) -> dict[str, Any]:
    return {"helpful@1": {"value": number, "passed": None, "reason": "", "error": "", **fields}}


def test_an_edited_answer_beats_the_original(project: Project, rita: User) -> None:
    trace = rows.trace(project, judged="unacceptable", by=rita)
    edit = rows.correct(trace, rita, LONG)
    rows.trace(project)
    (row,), found = gather(project)
    assert said(row) == (LONG, "It left the depot this morning.")
    assert (row.trace_id, row.correction_id, row.other_trace_id) == (trace.pk, edit.pk, None)
    assert row.example.messages[-1]["role"] == "tool"
    assert found.counts["by_source"] == {"corrections": 1}
    assert "latency_ms" not in row.example.chosen[0]


def test_edits_of_unsure_or_changed_traces_are_no_pairs(project: Project, rita: User) -> None:
    rows.correct(rows.trace(project, judged="unsure", by=rita), rita, LONG)
    changed = rows.trace(project)
    rows.correct(changed, rita, LONG)
    rows.revise(changed, make.short_document(question="Something else?"))
    made, found = gather(project)
    assert made == []
    assert found.skips["unsure"] == 1
    assert found.skips["stale"] == 1
    assert "candidates per case above 1" in explain(found.counts)
    assert found.counts["warnings"][0]["code"] == "no_pairs"


def test_preferences(project: Project, rita: User, alice: User) -> None:
    def two() -> tuple[Trace, Trace]:
        answers = [asked("Where?", message("assistant", f"Answer {n} stands here")) for n in ("one", "two")]
        return rows.trace(project, answers[0]), rows.trace(project, answers[1])

    agreed, tied, fought, edited = two(), two(), two(), two()
    kept = prefer(*agreed, rita, "right", strength="clear")
    prefer(*agreed, alice, "tie")
    prefer(*tied, rita, "tie")
    prefer(*fought, rita, "left")
    prefer(*fought, alice, "right")
    prefer(*edited, rita, "left", edited="Much better.")
    made, found = gather(project, sources=["preferences"])
    first, second = made
    assert said(first) == ("Answer two stands here", "Answer one stands here")
    assert (first.trace_id, first.other_trace_id, first.preference_id) == (agreed[1].pk, agreed[0].pk, kept.pk)
    assert said(second) == ("Much better.", "Answer two stands here")
    assert found.skips == {"tie": 1, "conflict": 1}
    assert found.left[fought[0].pk].detail == "people disagree which is better: 2 people"
    assert {one["code"] for one in found.counts["warnings"]} == {"conflict"}


def test_the_newest_word_of_a_person_counts_and_a_majority_may_decide(
    project: Project, rita: User, alice: User
) -> None:
    left, right = (rows.trace(project, asked("Where?", message("assistant", text))) for text in ("One two", "Three"))
    prefer(left, right, rita, "right")
    prefer(left, right, rita, "left")
    assert said(gather(project, sources=["preferences"])[0][0]) == ("One two", "Three")
    prefer(right, left, alice, "left")  # the sides the other way round are the same pair
    assert gather(project, sources=["preferences"])[1].skips["conflict"] == 1
    prefer(left, right, User.objects.create_user("x@example.com", "x" * 20, name="X"), "left")
    assert len(gather(project, sources=["preferences"], conflicts="majority")[0]) == 1
    assert gather(project, sources=["preferences"])[0] == []


def test_candidates_of_one_trace_are_compared(project: Project, rita: User) -> None:
    document = asked("Where?", message("assistant", "As it was"))
    document["conversations"][0]["candidates"] = [message("assistant", "The other one")]
    trace = rows.trace(project, document)
    prefer(trace, trace, rita, "right", right_candidate=1)
    (row,), _ = gather(project)
    assert said(row) == ("The other one", "As it was")
    assert row.other_trace_id is None


def test_attempts_part_at_the_last_shared_message(project: Project, rita: User) -> None:
    def attempt(*after: Message, task: str, verdict: str) -> Trace:
        return rows.trace(project, asked("Cancel it", *after), judged=verdict, by=rita, task_id=task)

    look = message("assistant", "", tool_calls=[make.call("get_order", id="a")])
    again = message("assistant", "", tool_calls=[make.call("get_order", id="b")])
    good = attempt(look, make.tool_result("late", "a"), message("assistant", "Done."), task="1", verdict="acceptable")
    bad = attempt(again, make.tool_result("late", "b"), message("assistant", "No."), task="1", verdict="unacceptable")
    early = attempt(message("assistant", "No."), task="1", verdict="unacceptable")
    attempt(message("assistant", "Alone."), task="2", verdict="acceptable")
    attempt(message("assistant", "A"), task="3", verdict="unacceptable")
    attempt(message("assistant", "B"), task="3", verdict="unacceptable")
    (row,), found = gather(project)
    assert said(row) == ("Done.", "No.")
    assert [one["role"] for one in row.example.messages] == ["system", "user", "assistant", "tool"]
    assert (row.trace_id, row.other_trace_id, row.together) == (good.pk, bad.pk, "task:1")
    assert found.skips == {"over_most": 1, "single_attempt": 1, "none_passed": 1}
    assert found.left[early.pk].detail == "more pairs of the case than are taken"
    assert (found.counts["cases"], found.counts["combinations"]) == (3, 2)
    assert len(gather(project, max_pairs_per_case=2)[0]) == 2


def test_a_score_says_what_passed_where_nobody_judged(project: Project, rita: User) -> None:
    for reward in (True, False):
        trace = rows.trace(project, asked("Cancel it", message("assistant", f"Said {reward}")))
        Score.objects.create(project=project, trace=trace, name="reward", number=1, passed=reward, source="imported")
    assert gather(project)[1].skips == {"none_passed": 1}
    (row,), _ = gather(project, measure="reward")
    assert said(row) == ("Said True", "Said False")
    assert row.together.startswith("input:")
    rows.judge(Trace.objects.get(pk=row.trace_id), rita, "unsure")
    assert gather(project, measure="reward")[0] == [], "a person who is unsure outranks a score"


def test_best_against_worst(project: Project) -> None:
    trace = rows.trace(project)
    batch = candidates(trace, [value(0.5), value(0.9), value(0.1), None])
    (row,), found = gather(project, Recipe(answers_from=str(batch.uid)))
    assert said(row) == ("Answer 1 of all", "Answer 2 of all")
    assert row.batch_items == tuple(
        batch.items.filter(ordinal__in=[1, 2]).order_by("ordinal").values_list("pk", flat=True)
    )
    assert (row.origin, row.composite) == ("generated", 0.9)
    assert [text_of(one) for one in row.example.messages] == ["Be kind.", "Where is it?"]
    assert row.example.tools == [make.ORDER_TOOL]
    assert found.skips["unfinished"] == 1
    (median,), _ = gather(project, Recipe(answers_from=str(batch.uid)), rejected="median")
    assert said(median) == ("Answer 1 of all", "Answer 0 of all")


def test_more_than_one_pair_uses_each_candidate_once(project: Project) -> None:
    batch = candidates(rows.trace(project), [value(n / 10) for n in (9, 1, 7, 3, 5)])
    recipe = Recipe(answers_from=str(batch.uid))
    made, _ = gather(project, recipe, max_pairs_per_case=5)
    assert [said(row) for row in made] == [
        ("Answer 0 of all", "Answer 1 of all"), ("Answer 2 of all", "Answer 3 of all"),
    ]  # fmt: skip
    assert [row.part for row in made] == [0, 1]
    assert gather(project, recipe)[1].skips["over_most"] == 1


@pytest.mark.parametrize(
    ("grades", "recipe", "code"),
    [
        ([value(0.9)], {}, "single_candidate"),
        ([value(0.9), None], {}, "single_candidate"),
        ([value(0.9), value(0.86)], {}, "similar_scores"),
        ([value(0.9), value(0.1)], {"gates": (Gate("helpful", "gte", 0.95),)}, "none_passed"),
        ([value(0.9), value(0.1)], {"gates": (Gate("unknown", "gte", 0.1),)}, "none_passed"),
        ([value(0.9), value(0.1)], {"min_score": 0.95}, "below_min_score"),
        ([value(0.9), value(None)], {}, "single_candidate"),
        ([value(0.9), value(0.1, error="it broke")], {}, "single_candidate"),
        ([value(9), value(3)], {}, "not_scaled"),
        ([value(0.9), value(0.1)], {"required": ("tone",)}, "single_candidate"),
    ],
)
def test_candidates_that_are_no_pair(
    project: Project, grades: list[dict[str, Any] | None], recipe: dict[str, Any], code: str
) -> None:
    batch = candidates(rows.trace(project), grades)
    made, found = gather(project, Recipe(answers_from=str(batch.uid), **recipe))
    assert made == []
    assert found.skips[code] == 1


@pytest.mark.parametrize(("better", "worse"), [(0.85, 0.8), (0.3, 0.25), (0.95, 0.9)])
def test_a_difference_of_just_the_least_is_a_pair(project: Project, better: float, worse: float) -> None:
    batch = candidates(rows.trace(project), [value(worse), value(better)])
    (row,), _ = gather(project, Recipe(answers_from=str(batch.uid)), min_score_diff=0.05)
    assert (said(row)[0], row.composite) == ("Answer 1 of all", better)


def test_equal_candidates_are_no_pair(project: Project) -> None:
    first = {"helpful@1": {"value": 0.1}, "tone@1": {"value": 0.2}, "brief@1": {"value": 0.3}}
    turned = {"helpful@1": {"value": 0.3}, "tone@1": {"value": 0.2}, "brief@1": {"value": 0.1}}
    trace = rows.trace(project)
    batch = candidates(trace, [first, turned])
    made, found = gather(project, Recipe(answers_from=str(batch.uid)), sources=["generated"], min_score_diff=0)
    assert made == [] and found.skips["similar_scores"] == 1
    assert "0.200 and 0.200, equal scores prefer neither" in found.left[trace.pk].detail


def test_a_declared_range_and_weights_make_the_score(project: Project) -> None:
    grades = [
        {"helpful@2": {"value": 5, "low": 1, "high": 5}, "tone@1": {"value": False}},
        {"helpful@2": {"value": 3, "low": 1, "high": 5}, "tone@1": {"value": True}},
    ]
    batch = candidates(rows.trace(project), grades)
    weights = (("helpful", 1.0), ("tone", 3.0))
    (row,), _ = gather(project, Recipe(answers_from=str(batch.uid), weights=weights))
    assert (said(row)[0], row.composite) == ("Answer 1 of all", 0.875)


def test_candidates_that_say_nothing_or_the_same(project: Project) -> None:
    empty = candidates(rows.trace(project), [value(0.9), value(0.1), value(0.5)], ["", "  ", "Words"])
    _, found = gather(project, Recipe(answers_from=str(empty.uid)))
    assert (found.skips["empty_messages"], found.skips["single_candidate"]) == (2, 1)
    BatchItem.objects.all().delete()
    same = candidates(rows.trace(project), [value(0.9), value(0.1)], ["The same", "The same"])
    assert gather(project, Recipe(answers_from=str(same.uid)))[1].skips["identical"] == 1
    BatchItem.objects.all().delete()
    long = " ".join(str(n) for n in range(300))
    near = candidates(rows.trace(project), [value(0.9), value(0.1)], [long, f"{long} more"])
    assert gather(project, Recipe(answers_from=str(near.uid)))[1].skips["near_identical"] == 1


def test_candidates_with_calls_and_other_prompts(project: Project) -> None:
    trace = rows.trace(project)
    batch = candidates(trace, [value(0.9), value(0.1)])
    call = {"id": "c", "type": "function", "function": {"name": "get_order", "arguments": "{}"}}
    first, second = batch.items.order_by("ordinal")
    first.answer = {"choices": [{"message": {"role": "assistant", "content": None, "tool_calls": [call]}}]}
    first.save(update_fields=["answer"])
    (row,), _ = gather(project, Recipe(answers_from=str(batch.uid)))
    assert row.example.chosen[0]["tool_calls"][0]["name"] == "get_order"
    second.prompt = [{"role": "user", "content": "Another thing"}]
    second.save(update_fields=["prompt"])
    assert gather(project, Recipe(answers_from=str(batch.uid)))[1].skips["different_prompts"] == 1


def test_length_bias_is_told(project: Project, rita: User) -> None:
    for _ in range(20):
        rows.correct(rows.trace(project), rita, LONG)
    made, found = gather(project)
    assert len(made) == 20
    assert found.counts["longer_chosen"] == 1.0
    assert "length_bias" in {one["code"] for one in found.counts["warnings"]}


def test_the_same_traces_give_the_same_pairs_with_few_queries(
    project: Project, rita: User, django_assert_max_num_queries: Any
) -> None:
    now = timezone.now()
    for number in range(12):
        verdict = "acceptable" if number % 2 else "unacceptable"
        document = asked(f"Cancel {number // 2}", message("assistant", f"{verdict} words here"))
        rows.trace(project, document, judged=verdict, by=rita, received_at=now)
    with django_assert_max_num_queries(14):
        first = gather(project)[0]
    assert [row.example.digest() for row in first] == [row.example.digest() for row in gather(project)[0]]
    assert len(first) == 6


def use(trace: Trace, key: str, how: str) -> None:
    StepUse.objects.create(
        project=trace.project, trace=trace, revision=trace.revision, step_key=key, use=how, author="rita"
    )


def test_what_is_cut_is_in_no_prompt_of_any_source(project: Project, rita: User, alice: User) -> None:
    """One trace for each source, each with a call that is cut: neither the call nor its result are in a prompt."""
    one, two = message("assistant", "One way."), message("assistant", "Another way.")
    shared = (message("assistant", "", tool_calls=[make.call("get_order")]), make.tool_result("SECRET"))
    corrected = rows.trace(project, asked("First?", *shared, one))
    rows.correct(corrected, rita, LONG)
    preferred = [rows.trace(project, asked("Second?", *shared, said)) for said in (one, two)]
    prefer(preferred[0], preferred[1], alice, "left")
    tried = [rows.trace(project, asked("Third?", *shared, said), task_id="3") for said in (one, two)]
    rows.judge(tried[0], rita, "acceptable")
    rows.judge(tried[1], rita, "unacceptable")
    sent = rows.trace(project, asked("Fourth?", *shared, one))
    call = {"id": "call_1", "type": "function", "function": {"name": "get_order", "arguments": "{}"}}
    prompt = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Fourth?"},
              {"role": "assistant", "content": None, "tool_calls": [call]},
              {"role": "tool", "tool_call_id": "call_1", "content": "SECRET"}]  # fmt: skip
    batch = candidates(sent, [value(0.9), value(0.1)], prompt=prompt)
    recipe = Recipe(answers_from=str(batch.uid))
    before, _ = gather(project, recipe)
    assert all("SECRET" in str(row.example.messages) for row in before)
    for trace in (corrected, *preferred, *tried, sent):
        use(trace, "call_1", "cut")
    made, found = gather(project, recipe)
    assert found.counts["by_source"] == {"corrections": 1, "preferences": 1, "attempts": 1, "generated": 1}
    for row in made:
        assert "SECRET" not in str(row.example.plain())
        assert [one["role"] for one in row.example.messages] == ["system", "user"]


def test_what_is_masked_is_never_the_better_answer(project: Project, rita: User, alice: User) -> None:
    def two(question: str, **fields: Any) -> list[Trace]:
        return [rows.trace(project, asked(question, message("assistant", f"Answer {n} here")), **fields) for n in "ab"]

    preferred, tried = two("Where?"), two("When?", task_id="1")
    prefer(preferred[0], preferred[1], alice, "left")
    for trace, verdict in zip(tried, ("acceptable", "unacceptable"), strict=True):
        rows.judge(trace, rita, verdict)
    assert len(gather(project)[0]) == 2
    use(preferred[0], "c0m2", "mask")
    use(tried[0], "c0m2", "mask")
    made, found = gather(project)
    assert made == [] and found.skips["masked"] == 2
    assert found.left[tried[0].pk].detail.startswith("the better answer is masked")
    StepUse.objects.all().delete()
    use(preferred[1], "c0m2", "mask")
    assert len(gather(project)[0]) == 2, "it may be the worse one"


def test_a_step_judged_bad_is_not_the_better_answer_where_the_recipe_masks_it(
    project: Project, rita: User, ada: User
) -> None:
    tried = [rows.trace(project, asked("Go", message("assistant", f"Way {n} it is")), task_id="1") for n in "ab"]
    for trace, verdict in zip(tried, ("acceptable", "unacceptable"), strict=True):
        rows.judge(trace, rita, verdict)
        StepVerdict.objects.create(
            project=project, trace=trace, revision=trace.revision, step_key="c0m2", value="bad", user=ada, author="ada"
        )
    assert len(gather(project)[0]) == 1
    assert gather(project, Recipe(bad_steps="mask"))[1].skips["masked"] == 1
    edit = rows.correct(tried[0], rita, "A far better way of doing it")
    (row,), _ = gather(project, Recipe(bad_steps="mask"))
    assert row.correction_id == edit.pk, "what somebody put right keeps no mask"


def test_an_edited_answer_whose_step_is_cut_makes_no_pair(project: Project, rita: User) -> None:
    first, again = message("assistant", "As it was"), message("assistant", "Later")
    trace = rows.trace(project, asked("Where?", first, again))
    edit = rows.correct(trace, rita, "Later")
    edit.messages[2] = message("assistant", "As it should be")
    edit.save(update_fields=["messages"])
    assert len(gather(project)[0]) == 1
    use(trace, "c0m2", "cut")
    assert gather(project)[1].skips == {"cut": 1, "single_attempt": 1}


def test_only_candidates_with_the_same_grades_are_compared(project: Project) -> None:
    def grades(helpful: float | None, tone: float | None) -> dict[str, Any]:
        return {"helpful@1": {"value": helpful}, "tone@1": {"value": tone}}

    given = [grades(1.0, None), grades(0.8, 0.6), grades(0.2, 0.4), grades(None, 0.0)]
    batch = candidates(rows.trace(project), given)
    (row,), found = gather(project, Recipe(answers_from=str(batch.uid)))
    assert said(row) == ("Answer 1 of all", "Answer 2 of all")
    assert found.skips["not_scored"] == 2
    weights = (("helpful", 1.0), ("nobody", 2.0))
    (row,), found = gather(project, Recipe(answers_from=str(batch.uid), weights=weights))
    assert said(row) == ("Answer 0 of all", "Answer 2 of all"), "a grade that the weights leave out is not needed"


@pytest.mark.parametrize("why", ["length", "content_filter"])
def test_a_candidate_that_was_cut_short_is_unfinished(project: Project, why: str) -> None:
    batch = candidates(rows.trace(project), [value(0.9), value(0.5), value(0.1)])
    first, second, third = batch.items.order_by("ordinal")
    for item, reason in ((first, why), (second, "stop"), (third, "stop")):
        item.answer = {"message": {"role": "assistant", "content": f"Said {item.ordinal} so"}, "finish_reason": reason}
        item.save(update_fields=["answer"])
    (row,), found = gather(project, Recipe(answers_from=str(batch.uid)))
    assert said(row) == ("Said 1 so", "Said 2 so")
    assert found.skips["unfinished"] == 1
