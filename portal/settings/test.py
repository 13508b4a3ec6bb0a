"""The test run: embedded servers unless the environment names others; fast hashing, tasks run when a test says so."""

from portal.embedded import throwaway

throwaway.point_environment()

from portal.settings.base import *  # noqa: E402
from portal.settings.base import GUARD, INSTALLED_APPS  # noqa: E402

# The services of the environment have a guard; a test that wants one says so.
GUARD = {**GUARD, "folder_file": "", "radius_file": "", "nftables_file": "", "batch_seconds": 0}
SECRET_KEY = "test-only-not-a-secret-00000000000000000000000000000000"
INSTALLED_APPS = [*INSTALLED_APPS, "portal.embedded"]
EMBEDDED_INBOX = True
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
AXES_ENABLED = False
