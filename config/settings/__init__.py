"""Settings, read from the environment. A value that cannot be right stops the start and says which one it is.

PORT, WHETSTONE_DATA, DATABASE_URL, BROKER_URL, SECRET_KEY, ALLOWED_HOSTS, DEBUG, EMAIL_URL are documented in
docs/operations.md.
"""

import os
from pathlib import Path

from config.settings import environment as env

BASE_DIR = Path(__file__).resolve().parent.parent.parent
DATA_DIR = env.data_dir("WHETSTONE_DATA", default=BASE_DIR / "var")
PORT = env.port("PORT", default=8000)

DEBUG = env.flag("DEBUG", default=False)
SECRET_KEY = env.secret("SECRET_KEY", folder=DATA_DIR)
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "csp",
    "ninja",
    "workspace",
    "curation",
    "training",
    "evaluation",
    "config",  # no models; commands that see every floor
]
MIDDLEWARE = [
    "workspace.middleware.probes",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "workspace.middleware.SignedIn",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "workspace.shell.shell",
            ],
            "builtins": ["workspace.templatetags.ui"],
        },
    }
]

# --- people
AUTH_USER_MODEL = "workspace.User"
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign-in"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# counts of failed sign-ins, one process at a time; large enough that nobody pushes their own count out
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 50_000},
    }
}

# --- database: DATABASE_URL, or the embedded server
DATABASES = {"default": env.database("DATABASE_URL", data_dir=DATA_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Celery: a nudge, never the truth. BROKER_URL (redis://, amqp://) or files in the data folder
CELERY_BROKER_URL, CELERY_BROKER_TRANSPORT_OPTIONS = env.broker("BROKER_URL", data_dir=DATA_DIR)
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_ACKS_LATE = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat" / "schedule")
CELERY_BEAT_SCHEDULE = {
    "work-off-inbox": {"task": "curation.tasks.sweep_inbox", "schedule": 5.0},
    "give-words": {"task": "curation.tasks.give_words", "schedule": 10.0},
    "work-on-acts": {"task": "curation.tasks.sweep_acts", "schedule": 15.0},
    "ask-replays": {"task": "curation.tasks.sweep_replays", "schedule": 10.0},
    "work-on-batches": {"task": "curation.tasks.sweep_batches", "schedule": 10.0},
    "work-on-trials": {"task": "curation.tasks.sweep_trials", "schedule": 10.0},
    "freeze-datasets": {"task": "curation.tasks.sweep_freezings", "schedule": 10.0},
    "propose-topics": {"task": "curation.tasks.sweep_clusterings", "schedule": 10.0},
    "score-arrivals": {"task": "curation.tasks.score_arrivals", "schedule": 10.0},
    "refill-queues": {"task": "curation.tasks.refill_queues", "schedule": 30.0},
    "index-traces": {"task": "curation.tasks.index_traces", "schedule": 5.0},
    "fill-index": {"task": "curation.tasks.fill_index", "schedule": 300.0},
    "sum-hours": {"task": "curation.tasks.sum_hours", "schedule": 5.0},
    "look-for-personal-data": {"task": "curation.tasks.look_for_personal_data", "schedule": 10.0},
    "sign-revisions": {"task": "curation.tasks.sign_revisions", "schedule": 30.0},
    "keep-to-retention": {"task": "curation.tasks.keep_to_retention", "schedule": 600.0},
    "reconcile-runs": {"task": "training.tasks.reconcile", "schedule": 3.0},
    "reconcile-answers": {"task": "evaluation.tasks.reconcile", "schedule": 3.0},
    "worker-heartbeat": {"task": "workspace.tasks.heartbeat", "schedule": 10.0},
}
for _entry in CELERY_BEAT_SCHEDULE.values():  # sweeps that nobody took in time are not worked off one after the other
    _entry["options"] = {"expires": max(10.0, float(str(_entry["schedule"])))}
# says what lives on when `manage.py up` ends
UP_GOODBYE = "config.goodbye.lines"

# --- files
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "workspace.static_files.StaticFiles"},
}
RUNS_DIR = DATA_DIR / "runs"
MODELS_DIR = DATA_DIR / "models"
# where engineers may take base models from (training.artifacts.bases); never from the rest of the data folder
MODEL_FOLDERS = env.folders("WHETSTONE_MODEL_FOLDERS", default=[DATA_DIR / "bases"])
# where chat templates and tokenizers are taken from, one folder each (tokenizer.json, tokenizer_config.json), besides the
# folders of models
TOKENIZER_FOLDERS = env.folders("WHETSTONE_TOKENIZERS", default=[DATA_DIR / "tokenizers"])
# further ones that other floors know: functions of a project that give (name, path) pairs
TOKENIZER_SOURCES = ["training.artifacts.bases.template_folders"]
# "module:function" that finds names of people in a text (docs/privacy.md); empty: names are not looked for
WHETSTONE_NAMES = os.environ.get("WHETSTONE_NAMES", "")

# --- the browser's rules: nothing inline, nothing from elsewhere
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        # the hash of an empty <style>: Plotly adds one and fills it through the CSSOM
        "style-src": ["'self'", "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"],
        "img-src": ["'self'", "data:", "blob:"],
        "connect-src": ["'self'"],
        "font-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# HTTPS=1 says that a TLS proxy stands in front (docs/operations.md)
HTTPS = env.flag("HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

EMAIL_CONFIG = env.email("EMAIL_URL", folder=DATA_DIR)
vars().update(EMAIL_CONFIG)

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

# Intake: one body, after decompression (bytes)
MAX_BODY_BYTES = env.number("MAX_BODY_BYTES", default=16 * 1024 * 1024, least=1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000
# seconds that a body may take to come; all bodies in memory of one process together (bytes)
BODY_SECONDS = env.number("BODY_SECONDS", default=60, least=1)
INTAKE_MEMORY_BYTES = env.number("INTAKE_MEMORY_BYTES", default=256 * 1024 * 1024, least=1024)
# with more than this waiting in the inbox, senders are asked to come again (429)
MAX_WAITING_BODIES = env.number("MAX_WAITING_BODIES", default=50_000, least=1)
MAX_WAITING_BYTES = env.number("MAX_WAITING_BYTES", default=8 * 1024**3, least=1024)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    # a wrong host name is the sender's mistake, and answered with 400
    "loggers": {"django.security.DisallowedHost": {"handlers": [], "propagate": False}},
    "root": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "WARNING")},
}
