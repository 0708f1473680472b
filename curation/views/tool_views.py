"""The page where engineers say which view the calls of each tool get."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from curation.review import tool_views
from curation.review.chosen import VIEWS, Wish
from curation.review.invalid import Invalid
from curation.views.bench_acts import number
from workspace.access import enter
from workspace.models import Role
from workspace.pages import answer


@require_http_methods(["GET", "POST"])
def views_of_tools(request: HttpRequest, slug: str) -> HttpResponse:
    """The tools, and one of them (`?tool=`) with a call drawn as `?view=` and `?headline=` say. POST stores that."""
    entry = enter(request, slug, Role.ENGINEER)
    if request.method == "POST":
        tool = request.POST.get("tool", "")
        wish = Wish(request.POST.get("view", ""), request.POST.get("headline", ""))
        try:
            changed = tool_views.choose(project=entry.project, actor=entry.actor, tool=tool, wish=wish)
        except Invalid as error:
            return HttpResponseBadRequest(str(error), content_type="text/plain; charset=utf-8")
        if changed:
            how = f"as {VIEWS[wish.view][0]}" if wish.view else "by itself"
            messages.success(request, f"From now on calls of {tool} are drawn {how}.")
        return redirect(f"{reverse('curation:tool-views', args=[slug])}?{urlencode({'tool': tool})}#one")
    tools = tool_views.list_tools(project=entry.project)
    asked = request.GET.get("tool", "")
    tool_shown = next((one for one in tools if one.name == asked), None) or (tools[0] if tools and not asked else None)
    context: dict[str, object] = {"tools": tools, "asked": asked, "one": tool_shown, "recent": tool_views.RECENT}
    if tool_shown is not None:
        kept = tool_shown.wish
        view = request.GET.get("view", kept.view)
        wish = Wish(view if view in VIEWS else "", request.GET.get("headline", kept.headline)[: tool_views.NAME])
        which = max(1, number(request.GET.get("n"), 1))
        sample = tool_views.sample(project=entry.project, tool=tool_shown.name, wish=wish, number=which)
        names = sample.arguments if sample is not None else []
        extra = [wish.headline] if wish.headline and wish.headline not in names else []
        context |= {
            "sample": sample, "wish": wish, "changed": wish != kept, "headlines": [*names, *extra],
            "views": [(name, label) for name, (label, _) in VIEWS.items()],
        }  # fmt: skip
    return answer(request, "curation/tool_views.html", context)
