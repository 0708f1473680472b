"""Settings of the tests: a database server of their own, no compression of files, fast password hashes."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("SECRET_KEY", "tests-only-" + "0" * 40)
os.environ.setdefault("WHETSTONE_DATA", tempfile.mkdtemp(prefix="whetstone-test-"))  # for processes that tests start

from config.settings import *  # noqa: F403
from config.settings import BASE_DIR, DATABASES

# importing this module has read the settings already, with whatever data folder there was; tests keep out of that one
DATA_DIR = Path(os.environ["WHETSTONE_DATA"])
RUNS_DIR, MODELS_DIR, STATIC_ROOT = DATA_DIR / "runs", DATA_DIR / "models", DATA_DIR / "static"
MODEL_FOLDERS, TOKENIZER_FOLDERS = [DATA_DIR / "bases"], [DATA_DIR / "tokenizers"]
DATABASES["default"]["OPTIONS"].pop("pool", None)
if DATABASES["default"]["ENGINE"] == "workspace.pgbackend":
    # one server for all test processes, kept between runs; fsync off (nothing in it matters)
    DATABASES["default"]["DATA_DIR"] = os.environ.get(
        "WHETSTONE_TEST_POSTGRES", str(BASE_DIR / "var" / "postgres-test")
    )
    DATABASES["default"]["SERVER_OPTIONS"] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
DATABASES["default"]["TEST"] = {"NAME": os.environ.get("WHETSTONE_TEST_DB", "whetstone_test")}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS = {}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
