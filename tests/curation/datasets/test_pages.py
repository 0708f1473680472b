"""Dataset pages without a browser: who may come in, how many questions the database is asked, odd addresses."""

import html
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from curation.datasets import build, reasons, tasks
from curation.datasets.exporting import formats, personal
from curation.datasets.recipe import Recipe
from curation.models import DatasetDecision, DatasetVersion, Score
from curation.views import datasets as shown_versions
from tests import make
from tests.curation.datasets import rows
from workspace import lineage
from workspace.access import Actor
from workspace.models import Project, User

HERE = Path(__file__).resolve().parents[3]
SignedIn = Callable[[User], Client]


@pytest.mark.django_db
def test_the_version_page_asks_the_same_few_questions_however_large(
    project: Project, rita: User, as_user: SignedIn
) -> None:
    counts = []
    for size in (3, 60):
        for _ in range(size):
            rows.trace(project, judged="acceptable", by=rita)
        version = build.freeze(project=project, name=f"of-{size}", query_text="", actor=Actor())
        client = as_user(rita)
        for path in (
            "",
            f"{version.dataset.name}/1/",
            f"{version.dataset.name}/1/decisions/",
            f"{version.dataset.name}/1/rows/2/",
        ):
            with CaptureQueriesContext(
                connection,
            ) as asked:
                answer = client.get(f"/p/acme/datasets/{path}")
            assert answer.status_code == 200
            counts.append(len(asked))
    assert counts[:4] == counts[4:]
    assert max(counts) <= 16, counts


@pytest.mark.django_db
def test_a_copy_and_what_it_is_like_open_side_by_side(
    project: Project, rita: User, alice: User, as_user: SignedIn
) -> None:
    words = " ".join(f"word{number}" for number in range(60))
    made = {
        name: rows.trace(project, make.short_document(question=text), judged="acceptable", by=rita, external_id=name)
        for name, text in (("first", words), ("near", f"{words} indeed"), ("same", words))
    }
    free = rows.trace(project, judged="acceptable", by=rita)

    def link(left: str, right: str) -> str:
        return f"/p/acme/traces/diff/?left={made[left].uid}&amp;right={made[right].uid}"

    def freeze(name: str, query: str = "", **options: Any) -> DatasetVersion:
        chosen = Recipe(order="oldest", **{"validation": 0, "test": 0, **options})
        return build.freeze(project=project, name=name, query_text=query, actor=Actor(), recipe=chosen)

    client = as_user(alice)
    page = client.get("/p/acme/datasets/new/left/?dedupe=near&order=oldest&reason=near_duplicate").content.decode()
    assert link("first", "near") in page and re.search(r"Side by side with first, \d+ % the same by estimate", page)
    freeze("support", dedupe="near")
    page = client.get("/p/acme/datasets/support/1/decisions/").content.decode()
    assert link("first", "near") in page and link("first", "same") in page and page.count("Side by side with") == 2
    freeze("tests", query="id:first", test=1)
    assert [row.trace for row in freeze("again", dedupe="none").rows.all()] == [free]
    page = client.get("/p/acme/datasets/again/1/decisions/").content.decode()
    assert link("first", "near") in page and link("first", "same") in page
    assert page.count("Side by side with") == 2, "what is held out itself stands beside nothing"
    told = DatasetDecision.objects.get(version__dataset__name="again", trace=made["first"])
    assert (told.reason, told.detail) == ("held_out", "is held out as row 1 of tests@1"), "its name is told once"
    page = client.get("/p/acme/datasets/support/1/export/").content.decode()
    assert page.count("Row 1") == 1 and page.count(">first</a>") == 1 and "is held out as row 1 of tests@1" in page


@pytest.mark.django_db
def test_what_differs_by_a_word_is_over_99_percent_the_same(
    project: Project, rita: User, alice: User, as_user: SignedIn
) -> None:
    words = " ".join(f"word{number}" for number in range(3000))
    for name, text in (("first", words), ("near", f"{words} indeed")):
        rows.trace(project, make.short_document(question=text), judged="acceptable", by=rita, external_id=name)

    def freeze(name: str, query: str = "", **options: Any) -> DatasetVersion:
        chosen = Recipe(order="oldest", **{"validation": 0, "test": 0, **options})
        return build.freeze(project=project, name=name, query_text=query, actor=Actor(), recipe=chosen)

    told = freeze("support", dedupe="near").decisions.get(reason="near_duplicate")
    assert (told.detail, told.facts["value"]) == ("over 99% the same as first", 0.9999)
    page = as_user(alice).get("/p/acme/datasets/support/1/decisions/").content.decode()
    assert "Side by side with first, over 99 % the same by estimate" in page
    freeze("tests", query="id:first", test=1)
    rows.trace(project, judged="acceptable", by=rita)
    told = freeze("again").decisions.get(reason="near_held_out")
    assert told.detail == "is over 99% the same as row 1 of tests@1 (first)"


@pytest.mark.django_db
def test_what_the_filter_left_out_is_one_link_away(
    project: Project, rita: User, alice: User, as_user: SignedIn
) -> None:
    def asked(agent: str, number: int = 0) -> None:
        said = make.short_document(question=f"Question {number} to {agent}-desk")
        rows.trace(project, said, judged="acceptable", by=rita, agent=agent)

    for number, agent in enumerate(("shop", "shop", "else", "other")):
        asked(agent, number)
    typed = {"q": "agent:shop OR agent:other", "name": "support"}
    client = as_user(alice)

    def link(page: str) -> str:
        (found,) = re.findall(r'<a href="([^"]+)">−1 outside the filter</a>', page)
        return html.unescape(found)

    drafted = client.post("/p/acme/datasets/new/", {**typed, "act": "preview"}, headers={"hx-request": "true"})
    build.freeze(project=project, name="support", query_text=typed["q"], actor=Actor(), recipe=Recipe(test=0))
    asked("late")
    frozen = client.get("/p/acme/datasets/support/1/")
    for answer, late in ((drafted, True), (frozen, False)):
        listed = client.get(link(answer.content.decode())).content.decode()
        assert "else-desk" in listed and "shop-desk" not in listed and "other-desk" not in listed
        assert ("late-desk" in listed) is late, "a version's list is of what had come by then"


@pytest.mark.django_db
def test_a_version_page_counts_in_words_and_says_what_nobody_looked_at(
    project: Project, rita: User, as_user: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows.trace(project, judged="acceptable", by=rita)
    version = build.freeze(project=project, name="support", query_text="", actor=Actor(), recipe=Recipe(test=0))
    client = as_user(rita)

    def page() -> str:
        return " ".join(re.sub(r"<[^>]+>", "", client.get("/p/acme/datasets/support/1/").content.decode()).split())

    assert "A download asks" not in page() and "How 1 trace became 1 row" in page() and "1 row, frozen" in page()
    held = ("train", (("email", 1),))
    for found, told in (
        ({1: held}, "1 row holds it. A download asks"), ({1: held, 2: held}, "2 rows hold it. A download asks"),
    ):  # fmt: skip
        cache.set(personal._key(version), personal.Personal(found), None)
        assert told in page()
    monkeypatch.setattr(shown_versions, "MOST_CHECKED", 0)
    cache.clear()
    assert "None was found when it was frozen. The first download looks by today" in page() and "–" not in page()
    rows.trace(project, make.short_document(question="Write to ada@acme-mail.com."), judged="acceptable", by=rita)
    build.freeze(project=project, name="support", query_text="", actor=Actor(), recipe=Recipe(test=0))
    found = " ".join(re.sub(r"<[^>]+>", "", client.get("/p/acme/datasets/support/2/").content.decode()).split())
    assert "Personal data was found in 1 row." in found and "Found in 1 row when it was frozen. The first" in found


@pytest.mark.django_db
def test_roles(project: Project, rita: User, alice: User, charlie: User, as_user: SignedIn) -> None:
    rows.trace(project, judged="acceptable", by=rita)
    build.freeze(project=project, name="support", query_text="", actor=Actor())
    pages = [
        "",
        "support/",
        "support/1/",
        "support/1/rows/1/",
        "support/1/decisions/",
        "support/1/checks/?format=trl-sft",
    ]
    for page in pages:
        assert as_user(rita).get(f"/p/acme/datasets/{page}").status_code in (200, 302), page
        assert as_user(charlie).get(f"/p/acme/datasets/{page}").status_code == 404, page
    for page in ("new/", "support/1/export/"):
        assert as_user(alice).get(f"/p/acme/datasets/{page}").status_code == 200, page
        assert as_user(rita).get(f"/p/acme/datasets/{page}").status_code == 403, page
        assert as_user(charlie).get(f"/p/acme/datasets/{page}").status_code == 404, page
    assert as_user(rita).post("/p/acme/datasets/new/", {"name": "x"}).status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize(
    "page", ["nothing/", "support/9/", "support/1/rows/9/", "support/1/rows/0/", "support/1/?split=moon", "support/1/?changed=all",
             "support/1/decisions/?reason=moon", "support/1/checks/?format=csv", "support/1/export/?format=csv",
             "support/1/export/?split=moon", "new/?from=nothing@1"],
)  # fmt: skip
def test_what_is_not_there_is_404(project: Project, alice: User, rita: User, as_user: SignedIn, page: str) -> None:
    rows.trace(project, judged="acceptable", by=rita)
    build.freeze(project=project, name="support", query_text="", actor=Actor())
    assert as_user(alice).get(f"/p/acme/datasets/{page}").status_code == 404


@pytest.mark.django_db
def test_the_form_starts_from_a_version_whose_options_are_refused_by_now(
    project: Project, alice: User, rita: User, as_user: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = rows.trace(project, judged="acceptable", by=rita)
    Score.objects.create(project=project, trace=trace, name="response_quality", number=5, source="human")
    with monkeypatch.context() as earlier:
        earlier.setitem(tasks.TASKS, "summariser", replace(tasks.TASKS["summariser"], TOGETHER=lambda _: ()))
        options = {"low": "labels", "low_below": 4.5}
        chosen = Recipe(task="summariser", task_options=options)
        build.freeze(project=project, name="support", query_text="", actor=Actor(), recipe=chosen)
    page = as_user(alice).get("/p/acme/datasets/new/?from=support@1").content.decode()
    assert 'name="option_low_below"' in page and 'value="4.5"' in page
    typed = {
        "name": "support",
        "task": "summariser",
        "option_low": "labels",
        "option_low_below": "4.5",
        "act": "freeze",
    }
    again = as_user(alice).post("/p/acme/datasets/new/", typed)
    assert again.status_code == 422 and "must not be over the least quality, 4" in again.content.decode()


@pytest.mark.django_db
def test_the_form_starts_from_an_earlier_version_and_keeps_what_was_typed(
    project: Project, alice: User, rita: User, as_user: SignedIn
) -> None:
    rows.trace(project, judged="acceptable", by=rita)
    client = as_user(alice)
    typed = {"name": "support", "q": "agent:support", "judgments": ["acceptable", "unjudged"], "corrections": "rescue",
             "validation": "12.5", "test": "0", "group_by": "session", "seed": "9", "limit": "7", "order": "oldest",
             "act": "freeze"}  # fmt: skip
    assert client.post("/p/acme/datasets/new/", typed).status_code == 302
    page = client.get("/p/acme/datasets/new/?from=support@1").content.decode()
    for shown in (
        'value="agent:support"',
        'value="12.5"',
        'value="9"',
        'value="7"',
        'value="rescue" selected',
        'value="oldest" selected',
    ):
        assert shown in page, shown
    assert client.get("/p/acme/datasets/new/?from=support@²").status_code == 200  # no number: the newest
    wrong = client.post("/p/acme/datasets/new/", {**typed, "limit": "many", "validation": "lots"})
    assert wrong.status_code == 422
    assert (
        "must be a whole number" in wrong.content.decode() and "must be a number of per cent" in wrong.content.decode()
    )
    assert 'value="many"' in wrong.content.decode()


@pytest.mark.django_db
def test_what_was_made_of_a_version_comes_from_the_lineage(project: Project, rita: User, as_user: SignedIn) -> None:
    rows.trace(project, judged="acceptable", by=rita)
    version = build.freeze(project=project, name="support", query_text="", actor=Actor())
    run = lineage.Node("run", "0199aaaa-0000-7000-8000-000000000001")
    model = lineage.Node("model", "0199aaaa-0000-7000-8000-000000000002")
    lineage.link(project=project, source=lineage.Node("dataset_version", str(version.uid)), target=run)
    lineage.link(project=project, source=run, target=model)
    page = as_user(rita).get("/p/acme/datasets/support/1/").content.decode()
    assert "1 run" in page and "1 model" in page and run.id in page


@pytest.mark.django_db
def test_hostile_content_is_only_text_on_the_pages(project: Project, rita: User, as_user: SignedIn) -> None:
    evil = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    said = make.document(
        make.message("user", evil), make.message("assistant", evil, tool_calls=[make.call(evil, evil)])
    )
    rows.trace(project, said, judged="acceptable", by=rita, external_id="x" * 180, session_id=evil, agent=evil)
    build.freeze(project=project, name="support", query_text="", actor=Actor())
    for page in ("support/1/", "support/1/rows/1/", "support/1/decisions/", "support/1/checks/?format=openai-sft"):
        assert evil[:20] not in as_user(rita).get(f"/p/acme/datasets/{page}").content.decode(), page


def test_the_docs_name_every_reason_finding_and_format() -> None:
    docs = (HERE / "docs" / "exports.md").read_text()
    work = HERE / "curation" / "datasets" / "exporting"
    paths = [*work.glob("validate*.py"), work / "files.py", *(work / "formats").glob("*.py")]
    source = "".join(path.read_text() for path in paths)
    codes = set(re.findall(r'(?:error|warning|wrong)\(\s*"([a-z_]{6,40})"', source))
    codes |= {"schema_not_json", "schema_not_object", "missing_instruction", "missing_output"}
    codes |= {"consecutive_users", "consecutive_assistants"} | set(reasons.BY_CODE) | set(formats.FORMATS)
    assert len(codes) > 50
    assert sorted(code for code in codes if f"`{code}`" not in docs) == []
