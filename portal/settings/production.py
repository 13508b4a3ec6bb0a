"""Production: stops at start when a value is missing (docs/OPERATIONS.md lists them)."""

from django.core.exceptions import ImproperlyConfigured

from portal import env
from portal.settings.base import *

_REQUIRED = [
    "SECRET_KEY",
    "DATABASE_URL",
    "REDIS_URL",
    "CELERY_BROKER_URL",
    "ALLOWED_HOSTS",
    "PORTAL_URL",
    "SMTP_HOST",
    "MAIL_FROM",
    "AD_LDAP_URLS",
    "AD_TLS_SERVER_NAME",
    "AD_CA_FILE",
    "AD_BASE_DN",
    "AD_DOMAIN",
    "AD_BIND_DN",
    "AD_BIND_PASSWORD",
    "AD_ROOT_OU",
    "EVIDENCE_SIGNER_SOCKET",
    "EVIDENCE_PUBLIC_KEYS",
    "DOCUMENT_CERTIFICATE_FILE",
    "DOCUMENT_ROOTS_FILE",
    "DOCUMENT_TIMESTAMP_URL",
]
_missing = [name for name in _REQUIRED if not env.text(name)]
if _missing:
    raise ImproperlyConfigured(f"Not set in the environment: {', '.join(_missing)} (docs/OPERATIONS.md)")

if TWO_FACTOR["adapter"] not in ("", "exchange", "scim"):
    raise ImproperlyConfigured("TWO_FACTOR_ADAPTER is none of: exchange, scim, or empty (docs/OPERATIONS.md)")
if TWO_FACTOR["adapter"] == "scim" and not str(TWO_FACTOR["scim_url"]).startswith("https://"):
    raise ImproperlyConfigured("TWO_FACTOR_SCIM_URL must begin with https:// (docs/OPERATIONS.md)")

MFA_REQUIRED = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
