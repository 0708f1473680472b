"""The index of words: what is found, what waits, and what no document can break."""

import threading
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from curation.messages.form import message
from curation.models import FollowUp, Trace, TraceText
from curation.search import conditions, index, words
from tests import make
from workspace.models import Project

pytestmark = pytest.mark.django_db


def found(project: Project, *typed: str, way: Any = None) -> set[str]:
    search = way or conditions.planned(project.pk)
    rows = Trace.objects.filter(search(tuple((one,) for one in typed)), project=project)
    return set(rows.values_list("external_id", flat=True))


@pytest.fixture
def indexed(project: Project) -> Project:
    said = make.document(
        message("system", "Be kind."),
        message("user", "Wo ist meine Bestellung? Die naïve Antwort reicht nicht. 返品したいです"),
        message(
            "assistant", "I look at src/billing/refunds.py and the order.", reasoning=[{"text": "Perhaps it was lost."}],
            tool_calls=[make.call("get_order", '{"order_id": "ord_81234", "note": "line\\nbreak"}', id="call_Xy77")],
        ),
        make.tool_result('{"state": "lost in Liège", "log": "a\\tb"}', id="call_Xy77"),
        message("assistant", "Your refund of 1,234.50 is on its way."),
    )  # fmt: skip
    make.trace(project, said=said, external_id="req-9f3a77b2", session_id="s-42")
    make.trace(project, external_id="plain")
    index.sweep()
    return project


@pytest.mark.parametrize(
    "typed",
    [
        "refund", "REFUND", "naive", "naïve", "liege", "ord_81234", "81234", "ord_8123*", "src/billing/refunds.py",
        "refunds.py", "billing/refunds", "1,234.50", "call_Xy77", "get_order lost", "your refund of", "perhaps", "break",
        "req-9f3a77b2", "s-42", "返品", "9f3a*", "order_id",
    ],
)  # fmt: skip
def test_words_ids_paths_and_parts_of_them_are_found(indexed: Project, typed: str) -> None:
    conditions_ = typed.split() if typed == "get_order lost" else [typed]
    assert "req-9f3a77b2" in found(indexed, *conditions_)
    assert "req-9f3a77b2" in found(indexed, *conditions_, way=conditions.walked)
    assert "req-9f3a77b2" in found(indexed, *conditions_, way=conditions.gathered)


@pytest.mark.parametrize("typed", ["refun", "refund your", "nbreak", "ord_8123", "not way", "kind wo", "billing.py"])
def test_what_was_not_said_is_not_found(indexed: Project, typed: str) -> None:
    assert found(indexed, typed) == set()


def test_before_it_is_indexed_a_trace_is_found_by_its_preview(project: Project) -> None:
    make.trace(
        project, said=make.short_document(question="Where is my parcel?", answer="A zebra has it."), external_id="t"
    )
    assert found(project, "parcel") == {"t"} == found(project, "parcel", way=conditions.gathered)
    assert found(project, "zebra") == set()
    assert index.lag(project_id=project.pk).waiting == 1
    index.sweep()
    assert found(project, "zebra") == {"t"}
    assert index.lag(project_id=project.pk) == index.Lag(0, None)


def test_a_new_revision_is_indexed_again(project: Project) -> None:
    make.trace(project, said=make.short_document(answer="First zebra."), external_id="t")
    index.sweep()
    make.trace(project, said=make.short_document(answer="Then giraffe."), external_id="t")
    index.sweep()
    assert (found(project, "giraffe"), found(project, "zebra")) == ({"t"}, set())


def test_one_bad_document_holds_nobody_up(project: Project) -> None:
    bad = make.trace(project, external_id="bad", session_id="findme")
    good = make.trace(project, external_id="good")
    type(bad.revision).objects.filter(pk=bad.revision_id).update(document={"conversations": [{"no": "messages"}]})
    index.sweep()
    assert list(TraceText.objects.values_list("trace", flat=True)) == [good.pk]
    for _ in range(index.MOST_ATTEMPTS):
        index.sweep()
    assert TraceText.objects.get(trace=bad).cut
    assert "bad" in found(project, "findme")
    assert not FollowUp.objects.filter(kind="search").exists()


def test_a_huge_text_goes_in_as_far_as_it_fits_and_says_so(project: Project) -> None:
    many = " ".join(f"word{number}x" for number in range(200_000))
    made = make.trace(project, said=make.short_document(answer=f"needle {many} haystack"), external_id="huge")
    index.sweep()
    entry = TraceText.objects.get(trace=made)
    assert entry.cut
    assert found(project, "needle") == {"huge"}
    repeated = "ord_7 and the order. " * 30_000
    make.trace(project, said=make.short_document(answer=f"{repeated} ord_99 ends here"), external_id="long")
    index.sweep()
    assert not TraceText.objects.get(trace__external_id="long").cut
    assert found(project, "ord_99") == {"long"} == found(project, "ends here")


def test_traces_from_before_the_index_are_put_on_its_queue(project: Project) -> None:
    made = [make.trace(project) for _ in range(3)]
    FollowUp.objects.all().delete()
    index.sweep()
    assert not TraceText.objects.exists()
    call_command("index_traces", project=project.slug)
    assert TraceText.objects.count() == 3
    TraceText.objects.filter(trace=made[0]).update(words="")
    call_command("index_traces", again=True)
    assert found(project, "shipped") == {trace.external_id for trace in made}


@pytest.mark.django_db(transaction=True)
def test_two_workers_take_different_traces(project: Project) -> None:
    for _ in range(30):
        make.trace(project)
    taken: list[int] = []

    def work() -> None:
        while count := index.index_some(most=5):
            taken.append(count)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sum(taken), TraceText.objects.count(), FollowUp.objects.filter(kind="search").count()) == (30, 30, 0)


def test_hostile_text_makes_a_vector_postgres_takes(project: Project) -> None:
    nasty = "it's a \\ back'slash\\' :1,2A \u200b\u202e & | ! <-> " + "a" * 5000 + " 𝔘𝔫𝔦 İstanbul ﬁne " + "é" * 3000
    vector = words.gather([nasty, "'", "\\"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::tsvector @@ %s::tsquery", [vector.vector, words.asked("back'slash fine*")])
        assert cursor.fetchone() is not None
        for typed in (nasty, "'", "\\", "&|!", "*", "a:*"):
            cursor.execute("SELECT nullif(%s, '')::tsquery", [words.asked(typed)])
