"""Signing in, one's own account, the list of projects."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from workspace import attempts, members
from workspace.access import Actor
from workspace.forms import ProfileForm, ProjectForm, SignInForm
from workspace.models import Membership, Project, User


class SignIn(auth.LoginView):
    """Email and password; 429 after too many failures, before the password is looked at."""

    template_name = "workspace/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: str, **kwargs: Any) -> HttpResponse:
        if attempts.too_many(**self._who()):
            context = self.get_context_data(form=SignInForm(request), refused=True)
            refused = render(request, self.template_name, context, status=429)
            refused["Retry-After"] = str(attempts.WINDOW)
            return refused
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        attempts.forget(**self._who())
        return super().form_valid(form)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        attempts.failed(**self._who())
        return super().form_invalid(form)

    def _who(self) -> dict[str, str]:
        return {"email": self.request.POST.get("username", ""), "address": self.request.META.get("REMOTE_ADDR") or ""}


@method_decorator(login_not_required, name="dispatch")
class ForgotPassword(auth.PasswordResetView):
    """Ask for a reset mail. The answer is the same whether or not the address is known."""

    template_name = "workspace/forgot_password.html"
    email_template_name = "workspace/forgot_password_mail.txt"
    subject_template_name = "workspace/forgot_password_subject.txt"
    success_url = reverse_lazy("forgot-password-sent")


@method_decorator(login_not_required, name="dispatch")
class ForgotPasswordSent(auth.PasswordResetDoneView):
    """Says that a mail is on its way."""

    template_name = "workspace/forgot_password_sent.html"


@method_decorator(login_not_required, name="dispatch")
class NewPassword(auth.PasswordResetConfirmView):
    """Choose a password by the link of a reset mail."""

    template_name = "workspace/new_password.html"
    post_reset_login = True
    success_url = reverse_lazy("home")


class ChangePassword(auth.PasswordChangeView):
    """Change one's own password."""

    template_name = "workspace/change_password.html"
    success_url = reverse_lazy("account")


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The list of projects; with only one, straight to it."""
    assert isinstance(request.user, User)
    projects = _projects(request.user)
    if len(projects) == 1 and "choose" not in request.GET:
        return redirect("curation:traces", projects[0].slug)
    return render(request, "workspace/home.html", {"rows": _rows(request.user, projects), "form": ProjectForm()})


def _projects(user: User) -> list[Project]:
    return list(Project.objects.visible_to(user).order_by("is_demo", "name"))


def _rows(user: User, projects: list[Project]) -> list[dict[str, Any]]:
    roles = dict(Membership.objects.filter(user=user).values_list("project_id", "role"))
    return [{"project": project, "role": roles.get(project.pk, "admin")} for project in projects]


@require_POST
def create_project(request: HttpRequest) -> HttpResponse:
    """Make a project and go there."""
    assert isinstance(request.user, User)
    form = ProjectForm(request.POST)
    if form.is_valid():
        try:
            project = members.create_project(**form.cleaned_data, actor=Actor(user=request.user))
        except IntegrityError:
            form.add_error("slug", "A project has this address already.")
        else:
            return redirect("curation:traces", project.slug)
    rows = _rows(request.user, _projects(request.user))
    return render(request, "workspace/home.html", {"rows": rows, "form": form, "failed": True}, status=422)


def account(request: HttpRequest) -> HttpResponse:
    """One's name and password."""
    assert isinstance(request.user, User)
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        request.user.name = form.cleaned_data["name"]
        request.user.save(update_fields=["name"])
        messages.success(request, "Saved.")
        return redirect("account")
    return render(request, "workspace/account.html", {"form": form})


@login_not_required
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember light or dark in a cookie for a year; without a choice, the other one than now."""
    wanted = request.POST.get("theme") or ("light" if request.COOKIES.get("theme") == "dark" else "dark")
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        back = reverse("home")
    response = HttpResponse(status=204) if request.headers.get("HX-Request") else HttpResponseRedirect(back)
    if wanted in ("light", "dark"):
        response.set_cookie(
            "theme", wanted, max_age=31_536_000, samesite="Lax", httponly=True, secure=request.is_secure()
        )
    return response
