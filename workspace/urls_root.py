"""Addresses outside of any project."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from workspace.views import accounts, health

urlpatterns = [
    path("", accounts.home, name="home"),
    path("projects/", accounts.create_project, name="create-project"),
    path("sign-in/", accounts.SignIn.as_view(), name="sign-in"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("password/forgot/", accounts.ForgotPassword.as_view(), name="forgot-password"),
    path("password/sent/", accounts.ForgotPasswordSent.as_view(), name="forgot-password-sent"),
    path("password/new/<uidb64>/<token>/", accounts.NewPassword.as_view(), name="password_reset_confirm"),
    path("account/", accounts.account, name="account"),
    path("account/password/", accounts.ChangePassword.as_view(), name="change-password"),
    path("theme/", accounts.theme, name="theme"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("_banner/", health.banner, name="banner"),
]
