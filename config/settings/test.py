"""Settings of the tests: a database server of their own, no compression of files, fast password hashes."""

import os
import tempfile

os.environ.setdefault("SECRET_KEY", "tests-only-" + "0" * 40)
os.environ.setdefault("WHETSTONE_DATA", tempfile.mkdtemp(prefix="whetstone-test-"))

from config.settings import *  # noqa: F403
from config.settings import BASE_DIR, DATABASES

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
