"""No download is an empty file: refused with the reason on the page, by command and by API; what is left out counts once."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from curation.datasets import build, leaks
from curation.datasets.exporting import export, manifest, refused, send
from curation.datasets.recipe import Recipe
from curation.messages.form import message
from curation.models import DatasetVersion
from curation.views import datasets
from tests import make
from tests.curation.datasets import rows
from workspace.access import SYSTEM, Actor
from workspace.models import AuditEntry, Project, User

pytestmark = pytest.mark.django_db
SignedIn = Callable[[User], Client]
EXPORT = "/p/acme/datasets/early/1/export/"


def leaky(project: Project, rita: User, *, plain: int = 0) -> DatasetVersion:
    """A version of 12 rows, a later one holds out some; `plain` of them call no tool, so that alpaca takes them."""
    for number in range(12):
        question = f"Question {number} about {'abcdefghijkl'[number] * 9}, what is it?"
        said = make.short_document(question=question)
        if number < plain:
            said = make.document(message("user", question), message("assistant", f"Answer {number}."))
        rows.trace(project, said, judged="acceptable", by=rita, session_id=f"s{number}")

    def freeze(name: str, **options: Any) -> DatasetVersion:
        return build.freeze(
            project=project, name=name, query_text="", actor=Actor(), recipe=Recipe(validation=0, **options)
        )

    before = freeze("early", test=0)
    freeze("later", test=0.4)
    return before


def words(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def test_a_format_that_takes_no_row_is_refused_everywhere(
    project: Project, rita: User, ada: User, as_user: SignedIn, tmp_path: Path
) -> None:
    version = leaky(project, rita)
    client = as_user(ada)
    for more in ("", "&split=train", "&skip_invalid=1&skip_held_out=1", "&split=train&skip_invalid=1&skip_held_out=1"):
        answer = client.get(f"{EXPORT}?format=alpaca{more}")
        assert answer.status_code == 409 and "12 cannot be written as alpaca (12 × tools_not_carried)" in words(answer)
        assert "without them" not in words(answer), "no way on to an empty file"
    assert "No row fits" in words(client.get(f"{EXPORT}?format=alpaca")) and "OpenAI chat" in words(
        client.get(f"{EXPORT}?format=alpaca")
    )
    target = tmp_path / "alpaca.jsonl"
    for ways in ([], ["--skip-invalid", "--skip-held-out"]):
        with pytest.raises(CommandError, match=r"Of the rows of early@1 none is left for a file: 12 cannot be written"):
            call_command(
                "export_dataset", "early@1", "--format=alpaca", f"--output={target}", *ways, stderr=io.StringIO()
            )
    assert not target.exists() and not AuditEntry.objects.filter(action="dataset.exported").exists()
    wish = send.Wish("alpaca", skip_invalid=True, skip_held_out=True)
    with pytest.raises(refused.NothingToWrite):
        send.origins(version=version, wish=wish)
    api = client.get("/api/projects/acme/datasets/early/versions/1/export?format=alpaca&skip_invalid=1&skip_held_out=1")
    assert (api.status_code, api.json()["error"]["code"]) == (409, "invalid_rows")
    page = client.get("/p/acme/datasets/early/1/").content.decode()
    assert "format=alpaca&amp;split=" not in page and "format=openai-sft&amp;split=train" in page


def test_rows_that_are_invalid_and_held_out_count_once(project: Project, rita: User, ada: User) -> None:
    version = leaky(project, rita, plain=2)
    held = {leak.position for leak in export.leaking(version)}
    wish = send.Wish("alpaca", skip_invalid=True, skip_held_out=True)
    plain = {row.position for row in version.rows.all() if "Answer" in str(row.revision.document)}
    try:
        written = export.Written()
        sending = send.lines(version=version, wish=wish, actor=SYSTEM, written=written)
        assert b"".join(sending.pieces).count(b"\n") == len(plain - held) > 0
    except refused.NothingToWrite as error:
        assert plain <= held and "10 cannot be written" in str(error) and "held out elsewhere" in str(error)
        return
    made = send.plan(version, wish)
    assert export.left_out(made) == 12 - len(plain - held) <= 12
    sft = send.plan(version, send.Wish("openai-sft", skip_held_out=True))
    assert manifest.notes(sft)[0].reason == f"{12 - len(held)} rows; openai-sft wants at least 10"


def test_the_page_says_before_a_download_what_is_held_out_elsewhere(
    project: Project, rita: User, ada: User, as_user: SignedIn
) -> None:
    held = len(export.leaking(leaky(project, rita)))
    assert held > 1
    assert f"Held out elsewhere {held} rows, in test of another version or near it." in words(
        as_user(ada).get("/p/acme/datasets/early/1/")
    )
    assert "Held out elsewhere" not in words(as_user(ada).get("/p/acme/datasets/later/1/"))


def test_of_many_rows_it_is_said_once_the_page_is_there(
    project: Project, rita: User, ada: User, as_user: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, client = len(export.leaking(leaky(project, rita))), as_user(ada)
    told = f"Held out elsewhere {held} rows, in test of another version or near it."
    monkeypatch.setattr(datasets, "MOST_CHECKED", 0)
    cache.clear()
    asked: list[int] = []
    compare = leaks._leaks
    monkeypatch.setattr(leaks, "_leaks", lambda *given: asked.append(given[0]) or compare(*given))
    page = client.get("/p/acme/datasets/early/1/")
    assert 'hx-get="/p/acme/datasets/early/1/held-out/"' in page.content.decode() and told not in words(page)
    assert not asked, "the page waits for no comparison"
    assert told in words(client.get("/p/acme/datasets/early/1/held-out/")) and len(asked) == 1
    with CaptureQueriesContext(connection) as queries:
        page = client.get("/p/acme/datasets/early/1/")
    assert told in words(page) and "held-out/" not in page.content.decode() and len(asked) == 1
    assert len(queries) <= 14
    none = words(client.get("/p/acme/datasets/later/1/held-out/"))
    assert "None held out No row is in test of another version" in none
    build.freeze(project=project, name="third", query_text="", actor=SYSTEM)
    assert "held-out/" in client.get("/p/acme/datasets/early/1/").content.decode(), "there is more to compare with"


def test_a_manifest_can_be_had_of_the_very_file_that_was_downloaded(
    project: Project, rita: User, ada: User, as_user: SignedIn
) -> None:
    import hashlib

    for number in range(12):
        said = make.short_document(question=f"Write to customer{number}@acme-mail.com about order {number}, they wait.")
        rows.trace(project, said, judged="acceptable", by=rita, session_id=f"s{number}")
    build.freeze(
        project=project,
        name="early",
        query_text="",
        actor=Actor(),
        recipe=Recipe(test=0.4, validation=0, order="oldest"),
    )
    client = as_user(ada)
    page = client.get("/p/acme/datasets/early/1/").content.decode().replace("&amp;", "&")
    files = [f"?format=trl-sft&split={split}&personal=replace" for split in ("train", "test", "")]
    for file in files:
        assert f'{EXPORT}{file}&manifest=1"' in page, file
        content = b"".join(client.get(EXPORT + file))  # type: ignore[arg-type]
        told = b"".join(client.get(f"{EXPORT}{file}&manifest=1")).decode()  # type: ignore[arg-type]
        assert hashlib.sha256(content).hexdigest() in told and content.count(b"\n") > 1
    assert f'{EXPORT}?format=trl-sft&split=train&manifest=1"' in page, "and of the file as it is"
    refused = client.get(f"{EXPORT}?format=trl-sft&split=train").content.decode().replace("&amp;", "&")
    assert "?format=trl-sft&split=train&personal=replace&manifest=1" in refused


def test_the_ways_on_keep_the_fold_and_what_was_wanted(
    project: Project, rita: User, ada: User, as_user: SignedIn
) -> None:
    for number in range(12):
        said = make.short_document(question=f"Write to customer{number}@acme-mail.com about order {number}, they wait.")
        rows.trace(project, said, judged="acceptable", by=rita, session_id=f"s{number}")
    build.freeze(
        project=project, name="early", query_text="", actor=Actor(), recipe=Recipe(validation=0, test=0, folds=2)
    )
    build.freeze(project=project, name="later", query_text="", actor=Actor(), recipe=Recipe(validation=0, test=0.4))

    def page(asked: str) -> str:
        return as_user(ada).get(EXPORT + asked).content.decode().replace("&amp;", "&")

    fold = "?format=openai-sft&fold=0&of=validation"
    assert f"{fold}&skip_held_out=1" in page("?fold=0&of=validation")
    refused = page("?fold=0&of=validation&skip_held_out=1")
    assert f"{fold}&skip_held_out=1&personal=replace" in refused and 'name="fold" value="0"' in refused
    manifest_wanted = page("?manifest=1")
    assert "?format=openai-sft&split=&manifest=1&skip_held_out=1" in manifest_wanted
    assert "Manifest without them" in manifest_wanted
