"""Readers of environment variables. Each names the variable and the reason when a value cannot be used."""

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def flag(name: str, *, default: bool) -> bool:
    """True for 1/true/yes/on, False for 0/false/no/off/empty (any case); anything else is an error."""
    text = os.environ.get(name)
    if text is None:
        return default
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"", "0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name}={text!r} is neither yes nor no: use 1 or 0.")


def number(name: str, *, default: int, least: int, most: int | None = None) -> int:
    """A whole number between `least` and `most`."""
    text = os.environ.get(name, "")
    if not text:
        return default
    try:
        value = int(text)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={text!r} is not a whole number.") from None
    if value < least or (most is not None and value > most):
        raise ImproperlyConfigured(
            f"{name}={value} must be at least {least}" + (f" and at most {most}." if most else ".")
        )
    return value


def port(name: str, *, default: int) -> int:
    """A TCP port, 1 to 65535."""
    return number(name, default=default, least=1, most=65535)


def words(name: str, *, default: list[str]) -> list[str]:
    """A comma-separated list; blanks around the words are dropped."""
    text = os.environ.get(name)
    return default if text is None else [word.strip() for word in text.split(",") if word.strip()]


def folders(name: str, *, default: list[Path]) -> list[Path]:
    """Full paths of folders, separated by commas or as in PATH; links in them are followed. None of them need exist."""
    text = os.environ.get(name, "")
    found = [Path(word.strip()).expanduser() for word in re.split(f"[,{os.pathsep}]", text) if word.strip()]
    for folder in found:
        if not folder.is_absolute():
            raise ImproperlyConfigured(f"{name}: {folder} is no full path.")
    return [folder.resolve() for folder in found] or default


def data_dir(name: str, *, default: Path) -> Path:
    """The folder for everything Whetstone keeps; made where it is missing, an error where it cannot be written.

    What is made here is closed to other accounts of the machine; a folder that is there keeps the rights it has, but
    `runs` and `models` in it are made closed too."""
    path = Path(os.environ.get(name) or default).expanduser().resolve()
    try:
        missing = not path.is_dir()
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if missing and os.geteuid() == 0:
            # root's PostgreSQL may have to run as nobody, who must get through to its own folder
            path.chmod(0o711)
    except OSError as error:
        raise ImproperlyConfigured(f"{name}: the folder {path} cannot be made ({error.strerror}).") from None
    if not os.access(path, os.W_OK):
        raise ImproperlyConfigured(f"{name}: the folder {path} is read-only. Choose another with {name}=/a/folder.")
    for part in ("runs", "models"):
        _closed(path / part)
    return path


def _closed(folder: Path) -> Path:
    """A folder that other accounts cannot look into, made where it is missing."""
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def secret(name: str, *, folder: Path) -> str:
    """The secret key: the variable, or a file made once (mode 600) in the data folder. At least 32 characters."""
    value = os.environ.get(name, "")
    if not value:
        path = folder / "secret_key"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            from django.core.management.utils import get_random_secret_key

            with os.fdopen(descriptor, "w") as file:
                file.write(get_random_secret_key())
        value = path.read_text().strip()
        name = str(path)
    if len(value) < 32:
        raise ImproperlyConfigured(f"{name} holds fewer than 32 characters, which is too easy to guess.")
    return value


def database(name: str, *, data_dir: Path) -> dict[str, Any]:
    """Django's DATABASES entry from a libpq URL or keyword string; without one, the embedded server in `data_dir`."""
    url = os.environ.get(name, "")
    if not url:
        return {
            "ENGINE": "workspace.pgbackend",
            "NAME": "whetstone",
            "DATA_DIR": str(data_dir / "postgres"),
            "OPTIONS": {"pool": {"min_size": 0, "max_size": 10, "timeout": 10}},
        }
    from psycopg.conninfo import conninfo_to_dict

    try:
        parts = {key: str(value) for key, value in conninfo_to_dict(url).items()}
    except Exception as error:
        raise ImproperlyConfigured(f"{name} is not a PostgreSQL address ({error}).") from None
    if not parts.get("dbname"):
        raise ImproperlyConfigured(f"{name} names no database: postgresql://user:password@host:5432/database")
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    entry: dict[str, Any] = {key: parts.pop(part, "") for key, part in names.items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        **entry,
        "OPTIONS": {**parts, "pool": {"min_size": 0, "max_size": 10, "timeout": 10}},
    }


def broker(name: str, *, data_dir: Path) -> tuple[str, dict[str, Any]]:
    """Celery's broker address and transport options; by default files in the data folder, polled every 0.1 s."""
    url = os.environ.get(name, "")
    if url:
        if urlsplit(url).scheme not in {"redis", "rediss", "amqp", "amqps", "filesystem", "memory"}:
            raise ImproperlyConfigured(f"{name} must begin with redis:// or amqp://, not {url.split(':')[0]}://.")
        # one try: kombu would otherwise try for 6 s, and each request that nudges with it
        return url, {"max_retries": 0}
    folder = data_dir / "broker"
    for part in (folder, folder / "queue", folder / "control", data_dir / "beat"):
        _closed(part)
    return "filesystem://localhost/", {
        "data_folder_in": str(folder / "queue"),
        "data_folder_out": str(folder / "queue"),
        "control_folder": str(folder / "control"),
        "store_processed": False,
        "polling_interval": 0.1,
    }


def email(name: str, *, folder: Path) -> dict[str, Any]:
    """Where password mails go: smtp://user:password@host:587 (smtps:// for TLS from the start), else files in mail/."""
    url = os.environ.get(name, "")
    if not url:
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "EMAIL_FILE_PATH": str(_closed(folder / "mail")),
        }
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ImproperlyConfigured(f"{name} must look like smtp://user:password@host:587.")
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp" and (parts.port or 587) != 25,
    }
