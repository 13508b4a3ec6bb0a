"""The WSGI entry point that gunicorn serves."""

import os

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.local")

application = get_wsgi_application()

if settings.DOCUMENT_SIGNING_KEY_FILE:
    raise ImproperlyConfigured("DOCUMENT_SIGNING_KEY_FILE is for portal-documents, never for a web process")
