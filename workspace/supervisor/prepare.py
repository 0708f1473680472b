"""What must be right before the first page: database, tables, static files, the first account, the demo project.

Every step may be cut off and is finished by the next start.
"""

import hashlib
import inspect
import io
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

import psycopg
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command, get_commands
from django.db import connection, transaction
from django.utils.module_loading import import_string

from workspace import audit, broker, health
from workspace.access import SYSTEM
from workspace.models import AuditEntry, User
from workspace.supervisor.claim import CannotStart

FIRST_ACCOUNT = "admin@localhost"
FIRST_START = "workspace.first_start"
Say = Callable[[str], None]


def clear_messages() -> None:
    """Drop what an earlier `up` left with the file broker; the sweeps find the work again. Nobody else runs here now."""
    if settings.CELERY_BROKER_URL.startswith("filesystem:"):
        broker.empty(Path(settings.CELERY_BROKER_TRANSPORT_OPTIONS["control_folder"]).parent)


def prepare_database(say: Say) -> None:
    """Start or reach the database and bring its tables up to date."""
    embedded = settings.DATABASES["default"]["ENGINE"] == "workspace.pgbackend"
    if embedded and not Path(settings.DATABASES["default"]["DATA_DIR"], "PG_VERSION").exists():
        say("making the database (first start)")
    if not embedded:
        _knock()
    connection.ensure_connection()
    version = connection.pg_version // 10_000  # type: ignore[attr-defined]
    if version < 15:
        raise CannotStart(f"DATABASE_URL leads to PostgreSQL {version}; Whetstone needs 15 or newer.")
    say(f"PostgreSQL {version} answers" + ("" if embedded else " (DATABASE_URL)"))
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass('django_migrations')")
        exists = cursor.fetchone()[0] is not None
        applied = set()
        if exists:
            cursor.execute("select app || '.' || name from django_migrations")
            applied = {row[0] for row in cursor.fetchall()}
    missing = health.expected_migrations() - applied
    if missing:
        say(f"bringing the tables up to date ({len(missing)} migrations)")
        with _one_at_a_time():
            call_command("migrate", verbosity=0, interactive=False)
        say("tables are up to date")


def _knock() -> None:
    """Connect once without the pool, which would only say after ten seconds that it got no connection."""
    parameters = {**connection.get_connection_params(), "connect_timeout": 5}
    for name in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(name, None)
    try:
        psycopg.connect(**parameters).close()
    except psycopg.OperationalError as error:
        raise CannotStart(f"the database cannot be used: {str(error).strip()} (DATABASE_URL)") from None


class _one_at_a_time:
    """Only one process migrates a shared database (several hosts with one DATABASE_URL start together)."""

    KEY = 7_311_402_958_113

    def __enter__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_lock(%s)", [self.KEY])

    def __exit__(self, *error: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_unlock(%s)", [self.KEY])


def prepare_static(say: Say) -> None:
    """Collect the static files, compressed and with their hash in the name, where any of them changed."""
    root = Path(settings.STATIC_ROOT)
    stamp = root / "collected"
    now = _fingerprint()
    if stamp.exists() and stamp.read_text() == now:
        return
    shutil.rmtree(root, ignore_errors=True)
    call_command("collectstatic", verbosity=0, interactive=False)
    stamp.write_text(now)  # last: a start that is cut off collects again
    say("static files are collected")


def _fingerprint() -> str:
    backend = import_string(settings.STORAGES["staticfiles"]["BACKEND"])
    digest = hashlib.sha256(Path(inspect.getfile(backend)).read_bytes())  # how they are made counts as much as what of
    for finder in get_finders():
        for path, storage in finder.list([]):
            found = os.stat(storage.path(path))
            digest.update(f"{path}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def password_file() -> Path:
    """Where the first password is kept until it is changed."""
    return Path(settings.DATA_DIR) / "first-password"


def first_account() -> list[str]:
    """Make the first account where there is none, and say how to sign in: lines for the welcome."""
    path = password_file()
    if not User.objects.exists():
        password = path.read_text().strip() if path.exists() else secrets.token_urlsafe(12)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(password + "\n")  # before the account: a start cut off between them uses it again
        with transaction.atomic():
            user = User.objects.create_superuser(FIRST_ACCOUNT, password, name="Admin")
            audit.record(
                project=None, actor=SYSTEM, action="account.created", target=f"user:{user.pk}", email=FIRST_ACCOUNT
            )
        return [
            f"Sign in as {FIRST_ACCOUNT} with the password {password}",
            f"It is kept in {path} until you change it.",
        ]
    if path.exists():
        owner = User.objects.filter(email=FIRST_ACCOUNT).first()
        if owner is not None and owner.check_password(path.read_text().strip()):
            return [f"Sign in as {FIRST_ACCOUNT}; the first password is still in {path}."]
        path.unlink()  # changed meanwhile: it opens nothing any more
    return []


def first_project(say: Say) -> None:
    """Create the demo project on the first start. A failure is told and does not stop Whetstone; the next start tries again."""
    if AuditEntry.objects.filter(action=FIRST_START).exists() or "demo" not in get_commands():
        return
    say("creating the demo project (first start)")
    output = io.StringIO()
    arguments = ["--create"]
    if User.objects.filter(email=FIRST_ACCOUNT).exists():
        arguments += ["--member", FIRST_ACCOUNT]
    try:
        call_command("demo", *arguments, stdout=output)
    except Exception as error:  # whatever it is, Whetstone itself can be used
        say(f"the demo project could not be created: {error}")
        say("go on without it; the next start, or `.venv/bin/python manage.py demo --create`, tries again")
        return
    audit.record(project=None, actor=SYSTEM, action=FIRST_START)
    say("the demo project is there")
