"""Checking a file of training data that somebody made: uploaded or pasted, looked at, and let go of."""

import io
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from curation.datasets.exporting import files, formats
from workspace.access import enter
from workspace.models import Role
from workspace.pages import answer


@require_http_methods(["GET", "POST"])
def validate(request: HttpRequest, slug: str) -> HttpResponse:
    """The form; posted, what the check finds by row, field and reason. Nothing is stored."""
    enter(request, slug, Role.REVIEWER)
    given = request.POST if request.method == "POST" else request.GET
    wanted, pasted = given.get("format", files.AUTO), request.POST.get("text", "")
    context: dict[str, Any] = {
        "formats": formats.FORMATS.values(),
        "format": wanted,
        "text": pasted,
        "most": settings.MAX_BODY_BYTES,
        "kept": files.MOST_KEPT,
    }
    if request.method == "GET":
        return render(request, "curation/validate.html", context)
    training, validation = request.FILES.get("file"), request.FILES.get("validation")
    text = pasted.replace("\r\n", "\n").encode(errors="surrogatepass")
    if not isinstance(training, UploadedFile) and not text.strip():
        context["error"] = "Choose a file, or paste some lines."
        return answer(request, "curation/validate.html", context, fragment="curation/_validate_report.html", status=422)
    try:
        context["report"] = files.check(
            training if isinstance(training, UploadedFile) else io.BytesIO(text),
            wanted,
            validation=validation if isinstance(validation, UploadedFile) else None,
        )
        context["name"] = training.name if isinstance(training, UploadedFile) else "what you pasted"
    except formats.UnknownFormat as error:
        context["error"] = str(error)
        return answer(request, "curation/validate.html", context, fragment="curation/_validate_report.html", status=422)
    return answer(request, "curation/validate.html", context, fragment="curation/_validate_report.html")
