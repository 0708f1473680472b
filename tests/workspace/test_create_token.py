"""manage.py create_token: prints the token alone, and it opens its project with its role."""

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from workspace.models import ApiToken, AuditEntry, Project


def test_it_prints_a_token_that_works(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("create_token", "--project", "acme", "--role", "reviewer", "--name", "nightly")
    out = capsys.readouterr().out
    text = out.strip()
    assert out == f"{text}\n" and text.startswith("wst_")
    told = Client(headers={"Authorization": f"Bearer {text}"}).get("/api/projects/acme/").json()
    assert (told["slug"], told["role"]) == ("acme", "reviewer")
    assert AuditEntry.objects.filter(project=project, action="token.issued").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--project", "nowhere", "--role", "admin", "--name", "x"], "no project 'nowhere'"),
        (["--project", "acme", "--role", "king", "--name", "x"], "invalid choice: 'king'"),
        (["--project", "acme", "--role", "admin", "--name", "x" * 81], "1 to 80 characters"),
        (["--project", "acme", "--role", "admin", "--name", "  "], "1 to 80 characters"),
    ],
)
def test_what_cannot_be_is_said(project: Project, arguments: list[str], reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        call_command("create_token", *arguments)
    assert not ApiToken.objects.exists()
