"""The local settings with the reference view; only `make bench` uses them."""

from portal.settings.local import *  # noqa: F403

ROOT_URLCONF = "tests.perf.urls"
REST_FRAMEWORK = {**REST_FRAMEWORK, "DEFAULT_THROTTLE_CLASSES": []}  # noqa: F405
