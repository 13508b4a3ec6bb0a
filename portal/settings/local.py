"""`make run`: the same engines as in production, started by portal.embedded on this machine."""

from portal.settings.base import *
from portal.settings.base import INSTALLED_APPS, ROOT_URLCONF  # noqa: F401

SECRET_KEY = SECRET_KEY or "local-demo-only-not-a-secret-0000000000000000000000"
INSTALLED_APPS = [*INSTALLED_APPS, "portal.embedded"]
EMBEDDED_INBOX = True
