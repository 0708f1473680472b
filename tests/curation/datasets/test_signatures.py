"""Signatures: worked out once behind intake, the same as what a freeze works out, and anew when the rules change."""

import pytest

from curation import tasks as celery_tasks
from curation.datasets.example import example_of
from curation.datasets.selecting import signatures
from curation.messages.form import message
from curation.models import RevisionSignature
from tests import make
from tests.curation.datasets import rows
from tests.curation.datasets.test_selection import said
from workspace.models import Project

pytestmark = pytest.mark.django_db


def test_the_sweep_works_off_what_is_missing(project: Project) -> None:
    traces = [rows.trace(project, said(number)) for number in range(5)]
    rows.trace(project, make.document(message("user", "Hello?")), external_id="no answer")
    broken = rows.trace(project, said(77), external_id="broken")
    broken.revisions.update(document={"conversations": [{"kind": "main", "messages": [{"role": "user"}]}]})
    assert signatures.progress(project) == signatures.Progress(0, 7)
    assert signatures.sweep() == 7
    assert signatures.progress(project) == signatures.Progress(7, 7)
    assert signatures.sweep() == 0, "nothing is worked out twice"
    stopped = dict(RevisionSignature.objects.values_list("revision__trace__external_id", "stopped"))
    assert stopped["no answer"] == "no_assistant_message" and stopped["broken"] == "failed"

    known = signatures.read([one.revision_id for one in traces if one.revision_id], minhash=True, vector=True)
    for one in traces:
        assert one.revision is not None
        row = example_of(one.revision.document["conversations"][0])
        kept, anew = known[one.revision.pk], signatures.of_examples([row])[0]
        assert (kept.digest, kept.sameness, kept.tokens) == (row.digest(), row.sameness(), row.total_tokens)
        assert (kept.minhash, kept.vector) == (anew.minhash, anew.vector) and len(kept.vector) == 512
        bare = signatures.read([one.revision.pk])[one.revision.pk]
        assert (bare.minhash, bare.vector) == (b"", b""), "what was not asked for is not read"


def test_a_signature_of_older_rules_is_worked_out_anew(project: Project) -> None:
    trace = rows.trace(project, said(1))
    celery_tasks.sign_revisions()
    RevisionSignature.objects.update(rules=1, digest="old")
    assert signatures.read([trace.revision_id or 0]) == {}
    assert signatures.sweep() == 1
    assert RevisionSignature.objects.get().digest != "old"


def test_a_new_revision_gets_one_of_its_own_and_a_deleted_one_takes_it_along(project: Project) -> None:
    trace = rows.trace(project, said(1))
    signatures.sweep()
    rows.revise(trace, said(2))
    assert signatures.sweep() == 1 and RevisionSignature.objects.count() == 2
    trace.delete()
    assert not RevisionSignature.objects.exists()
