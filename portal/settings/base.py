"""Settings that every environment shares. Values come from the environment through portal.env and nowhere else."""

from datetime import timedelta

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from portal import env
from portal.settings.limits import *
from portal.settings.places import ROOT, STATE_DIR
from portal.settings.servers import *

SECRET_KEY = env.text("SECRET_KEY")
DEBUG = False
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS", "127.0.0.1,localhost")
# Proxies whose X-Forwarded-For is believed ("unix" for a proxy on a unix socket).
TRUSTED_PROXIES = env.names("TRUSTED_PROXIES")
PORTAL_URL = env.text("PORTAL_URL", "http://127.0.0.1:8000").rstrip("/")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "auditlog",
    "axes",
    "csp",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "portal.common",
    "portal.orgs",
    "portal.trail",
    "portal.jobs",
    "portal.notices",
    "portal.fulfilment",
    "portal.two_factor",
    "portal.workflow",
    "portal.continuity",
    "accounts",
    "accounts.dormancy",
    "devices.inventory",
    "devices",
    "requests",
    "audit",
]

MIDDLEWARE = [
    "portal.common.middleware.ErrorNumberMiddleware",
    "portal.common.middleware.NoNulMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "auditlog.middleware.AuditlogMiddleware",
    "portal.orgs.middleware.PersonMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
FORM_RENDERER = "portal.common.widgets.Renderer"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.workflow.context.navigation",
            ],
            "builtins": ["django.templatetags.i18n", "portal.common.templatetags.portal"],
        },
    }
]
INSTALLED_APPS.append("django.forms")

DATABASES = {
    "default": {**env.database(), "ATOMIC_REQUESTS": False, "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
}

CACHES = {
    "default": {
        "BACKEND": "portal.common.cache.ForgivingRedisCache",
        "LOCATION": env.text("REDIS_URL", "redis://127.0.0.1:6379/1"),
        "KEY_PREFIX": "portal",
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    }
}

# --- Language and time ---------------------------------------------------------------------------------------------
LANGUAGE_CODE = "ja"
LANGUAGES = [("ja", _("Japanese")), ("en", _("English"))]
LOCALE_PATHS = [ROOT / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Tokyo"

# --- Static files --------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = STATE_DIR / "static"
STATICFILES_DIRS = [ROOT / "static"]

# --- Login (SEC-01) ------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "orgs.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "portal.orgs.backends.DirectoryBackend",
    "portal.orgs.backends.BreakGlassBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 14}},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_login"

ACCOUNT_ADAPTER = "portal.orgs.allauth.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = [
    "username*",
    "password1*",
]  # nobody signs up; allauth takes from here that login asks a password
ACCOUNT_FORMS = {
    "login": "portal.orgs.login_forms.LoginForm",
    "reauthenticate": "portal.orgs.login_forms.PasswordAgainForm",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = "login_name"
ACCOUNT_USER_MODEL_EMAIL_FIELD = "email"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_REAUTHENTICATION_REQUIRED = True
# axes counts wrong passwords and portal.orgs.login_forms wrong codes, both in the database: it holds while the cache is down.
ACCOUNT_RATE_LIMITS = False
MFA_RATE_LIMITS = False
MFA_ADAPTER = "portal.orgs.allauth.MfaAdapter"
MFA_FORMS = {
    "authenticate": "portal.orgs.login_forms.CodeForm",
    "reauthenticate": "portal.orgs.login_forms.CodeAgainForm",
    "authenticate_webauthn": "portal.orgs.login_forms.KeyForm",
    "reauthenticate_webauthn": "portal.orgs.login_forms.KeyAgainForm",
    "activate_totp": "portal.orgs.login_forms.RegisterAppForm",
    "add_webauthn": "portal.orgs.login_forms.RegisterKeyForm",
    "edit_webauthn": "portal.orgs.login_forms.RenameKeyForm",
}
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_TOLERANCE = 1
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = False
MFA_TOTP_ISSUER = "KokuhoPortal"
# Roles that must have a second factor before they can do anything else.
MFA_REQUIRED_ROLES = env.names(
    "MFA_REQUIRED_ROLES", "APPROVER,SECURITY_OFFICER,SECURITY_MANAGER,OPERATOR,AUDIT_REVIEWER"
)
MFA_REQUIRED = env.flag("MFA_REQUIRED", False)

# Ends after half an hour without a request. Its end is moved on once a minute at most, and never comes early for that.
SESSION_IDLE_SECONDS, SESSION_RENEWED_EVERY = 30 * 60, 60
# However busy: nobody logs in once and for all.
SESSION_LONGEST_SECONDS = env.number("SESSION_LONGEST_HOURS", 12) * 60 * 60
SESSION_COOKIE_AGE = SESSION_IDLE_SECONDS + SESSION_RENEWED_EVERY
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_WARNING_SECONDS = 5 * 60
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "portal.common.views.csrf_failure"

AXES_FAILURE_LIMIT = env.number("LOGIN_FAILURE_LIMIT", 5)
AXES_COOLOFF_TIME = timedelta(minutes=30)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_FORM_FIELD = "login"
AXES_USERNAME_CALLABLE = "portal.orgs.clients.axes_username"
AXES_CLIENT_IP_CALLABLE = "portal.orgs.clients.axes_client_ip"
AXES_LOCKOUT_CALLABLE = "portal.orgs.views.locked_out"
AXES_RESET_ON_SUCCESS = True
AXES_ENABLE_ADMIN = False
AXES_SENSITIVE_PARAMETERS = ["password", "oldpassword", "code"]

# --- What the browser may do -----------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True

# --- Celery: a bell, no state --------------------------------------------------------------------------------------------
CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", "redis://127.0.0.1:6379/0")
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
# Jobs have a queue and a worker of their own: a long one must not hold up mail and operations.
CELERY_TASK_ROUTES = {
    "portal.jobs.tasks.run_job": {"queue": "jobs"},
    "accounts.tasks.reconcile": {"queue": "jobs"},
    "devices.tasks.publish_whitelist": {"queue": "jobs"},
    "audit.tasks.import_log": {"queue": "jobs"},
    "audit.tasks.reconcile_again": {"queue": "jobs"},
    # Whoever works this queue has the key that signs reports (docs/adr/0047).
    "audit.tasks.make_report_files": {"queue": "documents"},
}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A request must never hang because the bell is broken: give up quickly, the sweeper finds the work.
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 2, "socket_timeout": 10, "max_retries": 1}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE_FILENAME = str(STATE_DIR / "celerybeat-schedule")

# --- REST ------------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "portal.orgs.authentication.TokenAuthentication",
        "portal.orgs.authentication.PersonSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "portal.common.api.problem_response",
    "UNAUTHENTICATED_USER": None,
    "SCHEMA_COERCE_PATH_PK": False,  # addresses are described as they are written
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Kokuho network operations portal",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",  # the payloads of the kinds are JSON Schema 2020-12
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "ENUM_NAME_OVERRIDES": {
        "BundleState": "requests.bundles.models.Bundle.State",
        "BundleAction": "requests.bundles.models.Action",
        "BundlePartState": "requests.bundles.states.PartState",
        "ApplicationStatus": "portal.workflow.models.Status",
        "StageStatus": "portal.workflow.models.StageStatus",
        "OperationStatus": "portal.fulfilment.models.OperationStatus",
        "BatchState": "portal.two_factor.models.BatchState",
        "AccountState": "accounts.models.DirectoryAccount.State",
        "GuardModeChoice": "devices.guard.models.Mode",
        "GuardOutcome": "devices.guard.models.GuardState.Outcome",
        "PermitState": "devices.permits.models.DevicePermit.State",
        "InventoryUsage": "devices.inventory.models.InventoryLine.Usage",
        "InventoryReply": "devices.inventory.models.InventoryLine.Reply",
        "InventoryDecision": "devices.inventory.models.InventoryLine.Decision",
        "DeviceKind": "devices.permits.source.DeviceKind",
        "DeviceGrant": "devices.permits.source.Grant",
        "ComputerState": "devices.computers.models.Computer.State",
        "FindingKind": "accounts.reconciliation.models.FindingKind",
        "FindingState": "accounts.reconciliation.models.FindingState",
        "FindingAnswer": "accounts.reconciliation.models.Answer",
        "OrganisationKind": "portal.orgs.permissions.OrganisationKind",
        "EventVerb": "portal.workflow.verbs.Verb",
        "DormantAnswer": "accounts.dormancy.models.DormantLine.Answer",
        "PasswordLifetimeState": "requests.password_settings.models.PasswordLifetime.State",
        "EnquiryState": "requests.enquiries.models.Enquiry.State",
        "RetentionKind": "audit.retention.models.RecordKind",
        "DisposalState": "audit.retention.models.Disposal.State",
        "AuditReportStatus": "audit.reports.models.ReportStatus",
        "AuditPresentation": "audit.reports.models.Presentation",
        "LogKind": "audit.reconciliation.models.LogKind",
        "MismatchCode": "audit.reconciliation.models.Code",
        "MismatchReasonCode": "audit.reconciliation.models.ReasonCode",
        "IncidentState": "audit.reconciliation.models.Incident.State",
        "WorkChangeVerb": "audit.ledgers.models.WorkChange.Verb",
        "EnquiryMessageKind": "requests.enquiries.models.EnquiryMessage.Kind",
        "EnquiryDesk": "requests.enquiries.models.Enquiry.Desk",
        "EnquiryCategory": "requests.enquiries.models.Category",
    },
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
}

AUDITLOG_INCLUDE_ALL_MODELS = False

# --- Logs: no personal data, no secrets; the redactor is the second belt ---------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"redact": {"()": "portal.common.logs.RedactSecrets"}},
    "formatters": {"plain": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["redact"]}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "axes": {"level": "WARNING"},
        "celery": {"level": "INFO"},
        "httpx": {"level": "WARNING"},  # its lines hold addresses with objectGUIDs
        "weasyprint": {"level": "WARNING"},  # a dozen lines for each document
    },
}
DEFAULT_EXCEPTION_REPORTER_FILTER = "portal.common.logs.SilentReporterFilter"
