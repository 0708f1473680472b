"""A project's settings: people, tokens, connections, what happened."""

from django.conf import settings as site
from django.contrib import messages
from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.tokens import default_token_generator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.views.decorators.http import require_GET, require_POST

from workspace import members, tokens
from workspace.access import enter
from workspace.connections import keep, secrets
from workspace.forms import BudgetForm, ConnectionForm, LimitsForm, MemberForm, RoleForm, TokenForm
from workspace.models import ApiToken, AuditEntry, Connection, Membership, Role, User
from workspace.paging import paginate

NEW_TOKEN = "new_token"  # noqa: S105  (the name of a cookie)
NEW_LINK = "new_link"
MAILS_TO_FILES = "django.core.mail.backends.filebased.EmailBackend"


@require_GET
def settings(request: HttpRequest, slug: str) -> HttpResponse:
    """All of it on one page; what a role may not change it may not see here either."""
    entry = enter(request, slug, Role.REVIEWER)
    sealed = {name: request.COOKIES[name] for name in (NEW_TOKEN, NEW_LINK) if request.COOKIES.get(name)}
    once = {name: _open(text) for name, text in sealed.items()}
    response = render(request, "workspace/settings.html", _context(entry, **once))
    for name in sealed:
        response.delete_cookie(name, path=request.path, samesite="Lax")
        response["Cache-Control"] = "no-store"
    return response


def _show_once(request: HttpRequest, response: HttpResponse, slug: str, name: str, text: str) -> None:
    # carried, encrypted, to the one page that shows it: a reload must neither show it again nor make another
    response.set_cookie(
        name, secrets.encrypt(text).decode(), max_age=60, path=reverse("workspace:settings", args=[slug]),
        httponly=True, samesite="Lax", secure=request.is_secure(),
    )  # fmt: skip


def _open(sealed: str) -> str:
    try:
        return secrets.decrypt(sealed.encode())
    except (secrets.Unreadable, UnicodeEncodeError):
        return ""


def _context(entry, **forms):
    project = entry.project
    may_tokens = entry.may(Role.ENGINEER)
    return {
        "members": Membership.objects.select_related("user").filter(project=project).order_by("user__email"),
        "tokens": ApiToken.objects.select_related("created_by").filter(project=project).order_by("-id")
        if may_tokens
        else [],
        "connections": _connections(project, forms.pop("limits_form", None)) if may_tokens else [],
        "budget_form": BudgetForm(auto_id="budget-%s", initial={"budget_usd": project.budget_usd}),
        "is_admin": entry.may(Role.ADMIN),
        "is_engineer": may_tokens,
        "roles": Role.choices,
        "member_form": MemberForm(auto_id="member-%s"),
        "token_form": TokenForm(auto_id="token-%s"),
        "connection_form": ConnectionForm(auto_id="connection-%s"),
        **forms,
    }


def _connections(project, wrong):
    """Each connection with the form of its limits; `wrong` is the one that was sent and refused."""
    found = Connection.objects.filter(project=project).order_by("name")
    return [
        (
            one,
            wrong if wrong and wrong.instance.pk == one.pk else LimitsForm(instance=one, auto_id=f"limits-{one.pk}-%s"),
        )
        for one in found
    ]


@require_POST
def add_member(request: HttpRequest, slug: str) -> HttpResponse:
    """Let somebody in."""
    entry = enter(request, slug, Role.ADMIN)
    form = MemberForm(request.POST, auto_id="member-%s")
    if not form.is_valid():
        return render(request, "workspace/settings.html", _context(entry, member_form=form), status=422)
    try:
        member, is_new = members.add_member(
            project=entry.project,
            email=form.cleaned_data["email"],
            role=Role(form.cleaned_data["role"]),
            actor=entry.actor,
        )
    except members.LastAdmin as error:
        messages.error(request, str(error))
        return redirect("workspace:settings", slug)
    by_hand = is_new and site.EMAIL_BACKEND == MAILS_TO_FILES  # nobody reads those
    if is_new and not by_hand:
        invite = PasswordResetForm({"email": member.user.email})
        if invite.is_valid():
            invite.save(
                request=request,
                email_template_name="workspace/forgot_password_mail.txt",
                subject_template_name="workspace/forgot_password_subject.txt",
            )
    messages.success(request, f"{member.user} is {member.get_role_display().lower()} now." + (
        " They have been sent a link to choose a password." if is_new and not by_hand else ""))  # fmt: skip
    response = redirect("workspace:settings", slug)
    if by_hand:
        _show_once(request, response, slug, NEW_LINK, _first_link(request, member.user))
    return response


def _first_link(request: HttpRequest, user: User) -> str:
    """Where somebody new chooses a password: the link that the mail would carry."""
    key, token = urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)
    return request.build_absolute_uri(reverse("password_reset_confirm", args=[key, token]))


@require_POST
def set_member(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Change a member's role, or remove them."""
    entry = enter(request, slug, Role.ADMIN)
    member = get_object_or_404(Membership.objects.select_related("user"), project=entry.project, user_id=pk)
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, "There is no such role.")
        return redirect("workspace:settings", slug)
    try:
        if form.cleaned_data["role"]:
            members.add_member(
                project=entry.project, email=member.user.email, role=Role(form.cleaned_data["role"]), actor=entry.actor
            )
        else:
            members.remove_member(project=entry.project, user=User.objects.get(pk=pk), actor=entry.actor)
    except members.LastAdmin as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Saved.")
    return redirect("workspace:settings", slug)


@require_POST
def issue_token(request: HttpRequest, slug: str) -> HttpResponse:
    """Make a token and show it, this once. Nobody can give more than they have."""
    entry = enter(request, slug, Role.ENGINEER)
    form = TokenForm(request.POST, auto_id="token-%s")
    if form.is_valid() and not entry.may(Role(form.cleaned_data["role"])):
        form.add_error("role", "A token cannot do more than you can.")
    if not form.is_valid():
        return render(request, "workspace/settings.html", _context(entry, token_form=form), status=422)
    _, text = tokens.issue(
        project=entry.project, name=form.cleaned_data["name"], role=Role(form.cleaned_data["role"]), actor=entry.actor
    )
    response = redirect("workspace:settings", slug)
    _show_once(request, response, slug, NEW_TOKEN, text)
    return response


@require_POST
def revoke_token(request: HttpRequest, slug: str, uid: str) -> HttpResponse:
    """End a token."""
    entry = enter(request, slug, Role.ENGINEER)
    token = get_object_or_404(ApiToken, project=entry.project, uid=uid)
    tokens.revoke(token=token, actor=entry.actor)
    messages.success(request, f"{token.name} no longer opens anything.")
    return redirect("workspace:settings", slug)


@require_POST
def add_connection(request: HttpRequest, slug: str) -> HttpResponse:
    """Keep an endpoint and its key."""
    entry = enter(request, slug, Role.ENGINEER)
    form = ConnectionForm(request.POST, auto_id="connection-%s")
    if form.is_valid():
        try:
            keep.add(
                project=entry.project,
                fields=form.cleaned_data,
                key=form.cleaned_data["key"],
                prices=form.prices(),
                actor=entry.actor,
            )
        except keep.NotAllowed as error:
            form.add_error(error.field, error.reason)
    if not form.is_valid():
        return render(request, "workspace/settings.html", _context(entry, connection_form=form), status=422)
    hidden = " Its key cannot be read back." if form.cleaned_data["key"] else ""
    messages.success(request, f"{form.cleaned_data['name']} is kept.{hidden}")
    return redirect("workspace:settings", slug)


@require_POST
def change_connection(request: HttpRequest, slug: str, uid: str) -> HttpResponse:
    """Change limits and prices."""
    entry = enter(request, slug, Role.ENGINEER)
    connection = get_object_or_404(Connection, project=entry.project, uid=uid)
    form = LimitsForm(request.POST, instance=connection, auto_id=f"limits-{connection.pk}-%s")
    if not form.is_valid():
        return render(request, "workspace/settings.html", _context(entry, limits_form=form), status=422)
    keep.change(
        connection=connection, fields=form.cleaned_data, prices=form.cleaned_data["price_lines"], actor=entry.actor
    )
    messages.success(request, f"Limits and prices of {connection.name} are saved.")
    return redirect("workspace:settings", slug)


@require_POST
def set_budget(request: HttpRequest, slug: str) -> HttpResponse:
    """Set what all connections may spend together."""
    entry = enter(request, slug, Role.ADMIN)
    form = BudgetForm(request.POST, auto_id="budget-%s")
    if not form.is_valid():
        return render(request, "workspace/settings.html", _context(entry, budget_form=form), status=422)
    keep.set_budget(project=entry.project, budget_usd=form.cleaned_data["budget_usd"], actor=entry.actor)
    messages.success(request, "The budget is saved.")
    return redirect("workspace:settings", slug)


@require_POST
def replace_key(request: HttpRequest, slug: str, uid: str) -> HttpResponse:
    """Write another key over the old one."""
    entry = enter(request, slug, Role.ENGINEER)
    connection = get_object_or_404(Connection, project=entry.project, uid=uid)
    keep.replace_key(connection=connection, key=request.POST.get("key", ""), actor=entry.actor)
    messages.success(request, f"{connection.name} has a new key.")
    return redirect("workspace:settings", slug)


@require_POST
def try_connection(request: HttpRequest, slug: str, uid: str) -> HttpResponse:
    """Ask the endpoint for its models and say what came."""
    entry = enter(request, slug, Role.ENGINEER)
    connection = get_object_or_404(Connection, project=entry.project, uid=uid)
    ok, text = keep.probe(connection=connection)
    return render(request, "workspace/_probe.html", {"ok": ok, "text": text, "connection": connection})


@require_GET
def audit_log(request: HttpRequest, slug: str) -> HttpResponse:
    """Who did what, newest first."""
    entry = enter(request, slug, Role.ADMIN)
    rows = AuditEntry.objects.select_related("user", "token").filter(project=entry.project)
    page = paginate(rows, order=["-id"], cursor=request.GET.get("cursor", ""), size=100)
    return render(request, "workspace/audit.html", {"page": page})
