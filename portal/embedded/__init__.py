"""The embedded default: real servers out of wheels, started on this machine for `make run` and for the tests.

Nothing here belongs into production: importing the package under production settings is an error, so a mistake in a
settings file shows at start and not as a mail catcher beside real passwords.
"""

import os

if os.environ.get("DJANGO_SETTINGS_MODULE", "").endswith(".production"):
    raise ImportError("portal.embedded is for local use and tests; production settings must not load it")
