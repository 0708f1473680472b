"""Downloads of a dataset version, and the page that says what stands against one and how to go on."""

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods

from curation.datasets import folds, read
from curation.datasets.exporting import export, formats, judgments_csv, refused, send, stored
from curation.datasets.exporting.personal import PersonalRows
from curation.datasets.exporting.send import SHORTEST_REASON, Wish
from curation.datasets.leaks import HeldOutRows
from curation.models import DatasetVersion
from curation.privacy import names
from curation.privacy.patterns import KINDS
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.streams import stream

SPLITS = ("", "train", "validation", "test")
PERSONAL = ("", "replace", "keep")
MOST_LEAKS = 20


@require_http_methods(["GET", "POST"])
def dataset_export(request: HttpRequest, slug: str, name: str, number: int) -> HttpResponseBase:
    """A download or its manifest, streamed; a page with the ways on where something stands against it. Posted where
    personal data shall go out as it is, since then a reason is written."""
    entry = enter(request, slug, Role.ENGINEER)
    found = _find(entry, name, number)
    given = request.POST if request.method == "POST" else request.GET
    wish = _wish(given)
    try:
        if given.get("manifest") == "1":
            sending = send.origins(version=found, wish=wish)
        else:
            sending = send.lines(version=found, wish=wish, actor=entry.actor)
    except (formats.UnknownFormat, folds.NoFold) as error:
        raise Http404(str(error)) from None
    except (refused.InvalidRows, HeldOutRows, PersonalRows, send.NoReason) as error:
        wanted = "manifest" if given.get("manifest") == "1" else "file"
        context = _refused(found, wish, error) | {"wanted": wanted, "again": urlencode(_again(wish, wanted))}
        return render(request, "curation/dataset_refused.html", context, status=409)
    response = stream(request, sending.pieces, filename=sending.file_name)
    if sending.skipped:
        response["X-Whetstone-Skipped"] = str(sending.skipped)
    if sending.held_out:
        response["X-Whetstone-Held-Out"] = str(sending.held_out)
    return response


@require_GET
def dataset_judgments(request: HttpRequest, slug: str, name: str, number: int) -> HttpResponseBase:
    """The judgments of a version as CSV, for spreadsheets."""
    entry = enter(request, slug, Role.ENGINEER)
    found = _find(entry, name, number)
    pieces = judgments_csv.of_version(version=found, actor=entry.actor, bom=request.GET.get("bom") == "1")
    filename = export.file_name(found, "judgments", None, "csv")
    return stream(request, pieces, filename=filename, content_type="text/csv; charset=utf-8")


def _wish(given: QueryDict) -> Wish:
    split, personal = given.get("split", ""), given.get("personal", "")
    if split not in SPLITS or personal not in PERSONAL:
        raise Http404("There is no such split, or no such way with personal data.")
    fold, of = given.get("fold", ""), given.get("of", "train")
    if (fold and not fold.isdecimal()) or of not in ("train", "validation"):
        raise Http404("There is no such fold.")
    return Wish(
        fold=int(fold) if fold else None,
        of="validation" if of == "validation" else "train",
        format=given.get("format", "") or "openai-sft",
        split=split,
        skip_invalid=given.get("skip_invalid") == "1",
        skip_held_out=given.get("skip_held_out") == "1",
        personal=personal,
        reason=given.get("reason", ""),
    )


def _again(wish: Wish, wanted: str) -> dict[str, Any]:
    """The wish as it stands in an address, for the ways on; personal data as it is needs a reason, which no address holds."""
    given: dict[str, Any] = {"format": wish.format}
    given |= {"split": wish.split} if wish.fold is None else {"fold": wish.fold, "of": wish.of}
    given |= {name: 1 for name in ("skip_invalid", "skip_held_out") if getattr(wish, name)}
    given |= {"personal": wish.personal} if wish.personal == "replace" else {}
    return given | ({"manifest": 1} if wanted == "manifest" else {})


def _refused(found: DatasetVersion, wish: Wish, error: ValueError) -> dict[str, Any]:
    """The page's context: which of the ways on are open depends on what stands against the export."""
    chosen = formats.find(wish.format)
    context: dict[str, Any] = {
        "version": found,
        "format": chosen,
        "error": error,
        "wish": wish,
        "least": SHORTEST_REASON,
    }
    if isinstance(error, refused.WrongKind):
        takers = [one for kind in stored.kinds(found) for one in formats.taking(kind)]
        return context | {"why": "kind", "takers": takers}
    if isinstance(error, refused.NothingToWrite):
        total = int(found.counts[wish.split or "rows"])
        taking = {one.NAME: one for kind in stored.kinds(found) for one in formats.taking(kind)}
        takers = [one for one in taking.values() if export.invalid_rows(found, one, wish.split) < total]
        return context | {"why": "nothing", "takers": [] if error.held_out else takers}
    if isinstance(error, refused.InvalidRows):
        return context | {"why": "invalid"}
    if isinstance(error, HeldOutRows):
        return context | {"why": "held_out", "leaks": error.leaks[:MOST_LEAKS], "more": len(error.leaks) - MOST_LEAKS}
    held = error.kinds if isinstance(error, PersonalRows) else {}
    return context | {
        "why": "personal",
        "names": names.is_plugged_in(),
        "kinds": [(KINDS.get(kind, kind), count) for kind, count in held.items()],
    }


def _find(entry: Entry, name: str, number: int) -> DatasetVersion:
    try:
        return read.version(entry.project, name, number)
    except DatasetVersion.DoesNotExist:
        raise Http404("There is no such dataset version in this project.") from None
