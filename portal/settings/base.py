"""Settings that every environment shares. Values come from the environment through portal.env and nowhere else."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from portal import env

ROOT = Path(__file__).resolve().parent.parent.parent
STATE_DIR = Path(env.text("PORTAL_STATE_DIR", str(ROOT / "var")))

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

# --- Attachments -----------------------------------------------------------------------------------------------------
ATTACHMENT_MAX_BYTES = 10 * 1024 * 1024
BULK_MAX_BYTES = env.number("BULK_MAX_MEGABYTES", 5) * 1024 * 1024  # 2,000 rows have a tenth of it
ATTACHMENTS_PER_APPLICATION = 10
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000

# --- Mail: only portal.notices sends -----------------------------------------------------------------------------------
SMTP = {
    "host": env.text("SMTP_HOST", "127.0.0.1"),
    "port": env.number("SMTP_PORT", 25),
    "user": env.text("SMTP_USER"),
    "password": env.text("SMTP_PASSWORD"),
    "security": env.text("SMTP_SECURITY", "none"),
    "timeout": env.number("SMTP_TIMEOUT", 15),
}
DEFAULT_FROM_EMAIL = env.text("MAIL_FROM", "portal@kokuho.example.jp")

# --- Change tickets --------------------------------------------------------------------------------------------------
# So many unlocks of one account within so many days are marked: something uses an old password, or somebody tries (REQ-04).
UNLOCK = {
    "repeat_count": env.number("UNLOCK_REPEAT_COUNT", 3),
    "repeat_days": env.number("UNLOCK_REPEAT_DAYS", 7),
}

# --- Directory: only portal.gateways speaks LDAP ------------------------------------------------------------------------
_base_dn = env.text("AD_BASE_DN", "DC=kokuho,DC=pr")
DIRECTORY = {
    "urls": env.names("AD_LDAP_URLS", "ldaps://127.0.0.1:636"),
    "dc_urls": env.names("AD_DC_URLS"),
    "tls_server_name": env.text("AD_TLS_SERVER_NAME"),
    "ca_file": env.text("AD_CA_FILE"),
    "base_dn": _base_dn,
    "domain": env.text("AD_DOMAIN", "kokuho.pr"),
    "bind_dn": env.text("AD_BIND_DN"),
    "bind_password": env.text("AD_BIND_PASSWORD"),
    "root_ou": env.text("AD_ROOT_OU", f"OU=Federations,{_base_dn}"),
    "marker_attribute": env.text("AD_MARKER_ATTRIBUTE", "employeeNumber"),
    "connect_timeout": env.number("AD_CONNECT_TIMEOUT", 5),
    "receive_timeout": env.number("AD_RECEIVE_TIMEOUT", 15),
}
# --- DNS (REQ-05, docs/adr/0026): zones in the directory above ("ad"), or on servers that take signed updates ("rfc2136") ---------
DNS: dict[str, Any] = {
    "backend": env.text("DNS_BACKEND", "ad"),
    "servers": env.names("DNS_SERVERS"),
    "zones": env.names("DNS_ZONES"),
    "protected": env.names("DNS_PROTECTED_NAMES"),
    "timeout": env.number("DNS_TIMEOUT", 5),
    # For how long servers may go on with the old answer before a person is asked to look at them.
    "proof_seconds": env.number("DNS_PROOF_SECONDS", 1800),
    # With "ad": another account than AD_BIND_DN, with rights on the zones only.
    "bind_dn": env.text("DNS_AD_BIND_DN"),
    "bind_password": env.text("DNS_AD_BIND_PASSWORD"),
    # With "rfc2136": where changes go (the first of DNS_SERVERS unless it is told), and the key.
    "update_server": env.text("DNS_UPDATE_SERVER"),
    "key_name": env.text("DNS_TSIG_NAME"),
    "key_secret": env.text("DNS_TSIG_SECRET"),
    "key_algorithm": env.text("DNS_TSIG_ALGORITHM", "hmac-sha256"),
}
# REQ-03: what a longer password lifetime may be, when its end is reviewed, and how many accounts are read back one by one.
PASSWORD_SETTINGS = {
    "longest_days": env.number("PSO_LONGEST_DAYS", 365),
    "longest_period_days": env.number("PSO_LONGEST_PERIOD_DAYS", 366),
    "least_length": env.number("PSO_LEAST_LENGTH", 8),
    "review_days": env.number("PSO_REVIEW_DAYS", 14),
    "first_precedence": env.number("PSO_FIRST_PRECEDENCE", 1000),
    "read_back": env.number("PSO_READ_BACK", 500),
}
# ACC-14: how long without a logon is dormant, and in how many business days a federation answers.
DORMANT_MONTHS = env.number("DORMANT_MONTHS", 6)
DORMANT_ANSWER_DAYS = env.number("DORMANT_ANSWER_DAYS", 10)
# DEV-07: after how many days without use a device counts as unused, in how many business days a federation decides,
# and how many more a campaign stays open.
INVENTORY_UNUSED_DAYS = env.number("INVENTORY_UNUSED_DAYS", 90)
INVENTORY_ANSWER_DAYS = env.number("INVENTORY_ANSWER_DAYS", 20)
INVENTORY_GRACE_DAYS = env.number("INVENTORY_GRACE_DAYS", 15)
# ACC-07 reading A: no run of three characters of the login name (docs/adr/0008).
PASSWORD_NAME_RUN_LENGTH = env.number("PASSWORD_NAME_RUN_LENGTH", 3)

# --- Login names (ACC-06) ----------------------------------------------------------------------------------------------
# Years after an account was removed for good before its login name may be given again.
LOGIN_NAME_REUSE_YEARS = env.number("LOGIN_NAME_REUSE_YEARS", 5)
# Days for which a proposed name is held for an application that is still being written.
LOGIN_NAME_HELD_DAYS = env.number("LOGIN_NAME_HELD_DAYS", 14)

# --- Initial passwords (ACC-08 to ACC-10) ------------------------------------------------------------------------------
RECIPIENT_CONFIRMED_DAYS = env.number("RECIPIENT_CONFIRMED_DAYS", 183)  # then the address is confirmed again
PICKUP_CODE_DAYS = env.number("PICKUP_CODE_DAYS", 14)
PICKUP_CODE_ATTEMPTS = env.number("PICKUP_CODE_ATTEMPTS", 5)
INITIAL_PASSWORD_REMINDER_DAYS = env.number("INITIAL_PASSWORD_REMINDER_DAYS", 7)
INITIAL_PASSWORD_UNUSED_DAYS = env.number("INITIAL_PASSWORD_UNUSED_DAYS", 14)  # then the account is disabled

# --- Fulfilment ---------------------------------------------------------------------------------------------------------
FULFILMENT = {
    "lease_seconds": env.number("FULFILMENT_LEASE_SECONDS", 120),
    "breaker_failures": env.number("FULFILMENT_BREAKER_FAILURES", 3),
    "breaker_probe_seconds": env.number("FULFILMENT_BREAKER_PROBE_SECONDS", 30),
    "retry_seconds": env.number("FULFILMENT_RETRY_SECONDS", 30),
    # Stood still for longer: the queue waits until everything was compared with the targets (ACC-12).
    "gate_after_minutes": env.number("FULFILMENT_GATE_AFTER_MINUTES", 30),
    # Threads per task. A domain controller takes one write at a time: two keep it busy, more only wait.
    "hands": env.number("FULFILMENT_HANDS", 2),
}

# --- Reconciliation of accounts with AD ------------------------------------------------------------------------------------
RECONCILIATION = {
    # What was written within this time is not judged: a domain controller may not have heard of it yet.
    "replication_minutes": env.number("RECONCILIATION_REPLICATION_MINUTES", 60),
}

# --- Two-factor system (ACC-05): "" for none, "exchange" for files in a folder, "scim" for SCIM 2.0 (docs/adr/0014) ----------
TWO_FACTOR: dict[str, Any] = {
    "adapter": env.text("TWO_FACTOR_ADAPTER"),
    "folder": env.text("TWO_FACTOR_FOLDER", str(STATE_DIR / "two-factor")),
    "batch_seconds": env.number("TWO_FACTOR_BATCH_SECONDS", 30),
    "batch_rows": env.number("TWO_FACTOR_BATCH_ROWS", 2_000),
    "settle_seconds": env.number("TWO_FACTOR_SETTLE_SECONDS", 5),
    "answer_hours": env.number("TWO_FACTOR_ANSWER_HOURS", 24),
    "keep_days": env.number("TWO_FACTOR_KEEP_DAYS", 7),
    "scim_url": env.text("TWO_FACTOR_SCIM_URL"),
    "scim_token": env.text("TWO_FACTOR_SCIM_TOKEN"),
    "scim_ca_file": env.text("TWO_FACTOR_SCIM_CA_FILE"),
    "connect_timeout": env.number("TWO_FACTOR_CONNECT_TIMEOUT", 5),
    "receive_timeout": env.number("TWO_FACTOR_RECEIVE_TIMEOUT", 15),
}
# --- Accounts -----------------------------------------------------------------------------------------------------------
# Days for which a deleted account can be restored before it is removed for good.
ACCOUNT_REMOVAL_DAYS = env.number("ACCOUNT_REMOVAL_DAYS", 30)
# How many days a deleted computer object can be restored before it is removed from AD for good (REQ-02).
COMPUTER_REMOVAL_DAYS = env.number("COMPUTER_REMOVAL_DAYS", 30)

# --- Enquiries ----------------------------------------------------------------------------------------------------------
OUTAGES: dict[str, int] = {
    # Hours before a planned outage at which everybody concerned is reminded; days before it from which on it stands on
    # the home page (REQ-10).
    "remind_hours": env.number("OUTAGE_REMIND_HOURS", 24),
    "banner_days": env.number("OUTAGE_BANNER_DAYS", 7),
}
ENQUIRIES: dict[str, int] = {
    # Business days until an enquiry is to be answered; business days without reply after which an answered one is closed,
    # and how many of them before that the asker is told (REQ-11).
    "answer_days": env.number("ENQUIRY_ANSWER_DAYS", 3),
    "close_days": env.number("ENQUIRY_CLOSE_DAYS", 10),
    "notice_days": env.number("ENQUIRY_NOTICE_DAYS", 3),
}

# --- Devices ------------------------------------------------------------------------------------------------------------
DEVICES: dict[str, Any] = {
    # The longest validity of a permit, and how many days before its end it can be renewed.
    "permit_max_days": env.number("DEVICE_PERMIT_MAX_DAYS", 366),
    "renewal_days": env.number("DEVICE_RENEWAL_DAYS", 60),
    # How many days after its delivery a patch or a virus pattern may be missing (T 2-43 no. 3 and 4): shown, not decided here.
    "quarantine_days": {
        "PATCHES": env.number("QUARANTINE_PATCH_DAYS", 3),
        "PATTERNS": env.number("QUARANTINE_PATTERN_DAYS", 2),
    },
    # Reminders of unanswered alerts: every so many business days, and from when on to the security managers too.
    "alert_remind_days": env.number("ALERT_REMIND_DAYS", 3),
    "alert_escalate_days": env.number("ALERT_ESCALATE_DAYS", 6),
    # A newer list of makers of network cards (manage.py update_oui); while there is none, the one that came with the portal.
    "oui_file": env.text("OUI_FILE", str(STATE_DIR / "oui.tsv.gz")),
}

# --- PC bundles (REQ-13) ----------------------------------------------------------------------------------------------------
BUNDLES: dict[str, Any] = {
    "max_machines": env.number("BUNDLE_MAX_MACHINES", 200),
    # An open bundle is reminded of to its applicant after so many days, and every so many days again.
    "remind_days": env.number("BUNDLE_REMIND_DAYS", 7),
}

# --- The guard that keeps unknown machines out (MAC-07); each part is in use when its file is named (docs/adr/0025) -----------
GUARD: dict[str, Any] = {
    # So many seconds after a version, additions alone make the next one. Removals never wait.
    "batch_seconds": env.number("GUARD_BATCH_SECONDS", 10),
    # A list that lost so many percent of its entries, and at least so many, waits for a person.
    "mass_percent": env.number("GUARD_MASS_REMOVAL_PERCENT", 50),
    "mass_entries": env.number("GUARD_MASS_REMOVAL_ENTRIES", 10),
    # A CSV file for a product with an import of its own; {file} in a command is the list to be checked.
    "folder_file": env.text("GUARD_CSV_FILE"),
    "folder_check": env.text("GUARD_CSV_CHECK"),
    "radius_file": env.text("GUARD_RADIUS_FILE"),
    "radius_checked_file": env.text("GUARD_RADIUS_CHECKED_FILE"),
    "radius_check": env.text("GUARD_RADIUS_CHECK"),
    "radius_reload": env.text("GUARD_RADIUS_RELOAD"),
    "radius_server": env.text("GUARD_RADIUS_SERVER", "127.0.0.1:1812"),
    "radius_secret": env.text("GUARD_RADIUS_SECRET"),
    "radius_patience": env.number("GUARD_RADIUS_PATIENCE", 20),
    "nftables_file": env.text("GUARD_NFTABLES_FILE"),
    "nftables_command": env.text("GUARD_NFTABLES_COMMAND", "nft"),
    "nftables_uplinks": env.names("GUARD_NFTABLES_UPLINKS"),
    "nftables_organisations": env.names("GUARD_NFTABLES_ORGANISATIONS"),
}

# --- Continuity: what operations need on a day without the portal (ACC-12) ------------------------------------------------
CONTINUITY: dict[str, Any] = {
    # age public keys ("age1…"); a pack is never written without one. The private key belongs to operations, never here.
    "recipients": env.names("CONTINUITY_RECIPIENTS"),
    "folder": env.text("CONTINUITY_DIR", str(STATE_DIR / "continuity")),
    "keep": env.number("CONTINUITY_KEEP", 14),
    "reserve": env.number("CONTINUITY_RESERVE", 20),
}

# --- Celery: a bell, no state --------------------------------------------------------------------------------------------
CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", "redis://127.0.0.1:6379/0")
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
# Jobs have a queue and a worker of their own: a long one must not hold up mail and operations.
CELERY_TASK_ROUTES = {
    "portal.jobs.tasks.run_job": {"queue": "jobs"},
    "accounts.tasks.reconcile": {"queue": "jobs"},
    "devices.tasks.publish_whitelist": {"queue": "jobs"},
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
    },
}
DEFAULT_EXCEPTION_REPORTER_FILTER = "portal.common.logs.SilentReporterFilter"
