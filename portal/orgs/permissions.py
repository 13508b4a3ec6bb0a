"""Every role and every permission of the portal, in one file (ORG-03).

A permission says which roles, in which kinds of organisation, may do a thing. It answers "may this person do it at all";
which rows they reach is decided by portal.orgs.scoping.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class OrganisationKind(TextChoices):
    """The kinds of organisation (ORG-01)."""

    FEDERATION = "FEDERATION", _("federation")
    STAGING = "STAGING", _("staging federation")
    CENTRAL = "CENTRAL", _("central association")
    OPERATIONS = "OPERATIONS", _("network operations")
    MAINTENANCE = "MAINTENANCE", _("network maintenance")


class Role(TextChoices):
    """The roles a membership can carry (ORG-03)."""

    USER = "USER", _("user")
    APPLICANT = "APPLICANT", _("applicant")
    APPROVER = "APPROVER", _("approver")
    SECURITY_OFFICER = "SECURITY_OFFICER", _("security officer")
    SECURITY_MANAGER = "SECURITY_MANAGER", _("security manager")
    PASSWORD_RECIPIENT = "PASSWORD_RECIPIENT", _("initial password recipient")
    AUDIT_REVIEWER = "AUDIT_REVIEWER", _("audit reviewer")
    OPERATOR = "OPERATOR", _("operator")
    AUDITOR = "AUDITOR", _("auditor")


FEDERATIONS = frozenset({OrganisationKind.FEDERATION, OrganisationKind.STAGING})
EVERY_KIND = frozenset(OrganisationKind)
SEES_EVERYTHING = frozenset({OrganisationKind.CENTRAL, OrganisationKind.OPERATIONS})  # ORG-02

# Which roles an organisation of each kind can give (ORG-03).
ROLES_OF_KIND: dict[str, frozenset[str]] = {
    OrganisationKind.FEDERATION: frozenset(
        {
            Role.USER,
            Role.APPLICANT,
            Role.APPROVER,
            Role.SECURITY_OFFICER,
            Role.SECURITY_MANAGER,
            Role.PASSWORD_RECIPIENT,
            Role.AUDITOR,
        }
    ),
    OrganisationKind.CENTRAL: frozenset(
        {Role.USER, Role.APPLICANT, Role.APPROVER, Role.PASSWORD_RECIPIENT, Role.AUDIT_REVIEWER, Role.AUDITOR}
    ),
    OrganisationKind.OPERATIONS: frozenset(
        {Role.USER, Role.APPLICANT, Role.APPROVER, Role.PASSWORD_RECIPIENT, Role.OPERATOR, Role.AUDITOR}
    ),
    OrganisationKind.MAINTENANCE: frozenset(
        {Role.USER, Role.APPLICANT, Role.APPROVER, Role.PASSWORD_RECIPIENT, Role.AUDITOR}
    ),
}
ROLES_OF_KIND[OrganisationKind.STAGING] = ROLES_OF_KIND[OrganisationKind.FEDERATION]


@dataclass(frozen=True)
class Permission:
    """One thing a person may do: the roles that allow it and the kinds of organisation where those roles count."""

    name: str
    roles: frozenset[str]
    kinds: frozenset[str] = EVERY_KIND


# AUDITOR reads and never writes (ORG-03). A deputy acts with the principal's role (portal.workflow.services).
APPLY = Permission("apply", frozenset({Role.APPLICANT}))
DECIDE = Permission(
    "decide",
    frozenset(
        {Role.APPROVER, Role.SECURITY_OFFICER, Role.SECURITY_MANAGER, Role.OPERATOR, Role.AUDIT_REVIEWER}
    ),
)
READ_APPLICATIONS = Permission(
    "read_applications",
    frozenset(
        {
            Role.APPLICANT,
            Role.APPROVER,
            Role.SECURITY_OFFICER,
            Role.SECURITY_MANAGER,
            Role.OPERATOR,
            Role.AUDIT_REVIEWER,
            Role.AUDITOR,
        }
    ),
)
# REQ-12: tells a colleague the result that no mail brought them.
TAKE_REPORTS = Permission("take_reports", READ_APPLICATIONS.roles - {Role.AUDITOR})
READ_ACCOUNTS = Permission("read_accounts", READ_APPLICATIONS.roles)
# DEV-01: enters in SKYSEA what was approved, and records it.
REGISTER_DEVICES = Permission("register_devices", frozenset({Role.SECURITY_OFFICER}), FEDERATIONS)
# DEV-08: says what was found out about an alert.
ANSWER_ALERTS = Permission(
    "answer_alerts", frozenset({Role.SECURITY_OFFICER, Role.SECURITY_MANAGER}), FEDERATIONS
)
READ_DEVICES = Permission("read_devices", READ_APPLICATIONS.roles)
# DEV-07: decides in the inventory what is kept, what is to go, and what is missing.
DECIDE_INVENTORY = Permission("decide_inventory", REGISTER_DEVICES.roles, FEDERATIONS)
# ACC-14: says of a dormant account that it is kept. To have it deleted is to apply for it.
ANSWER_DORMANT = Permission("answer_dormant", frozenset({Role.APPLICANT, Role.SECURITY_MANAGER}))
READ_OPERATIONS = Permission(
    "read_operations", frozenset({Role.OPERATOR, Role.AUDITOR}), frozenset({OrganisationKind.OPERATIONS})
)
RECEIVE_PASSWORDS = Permission("receive_passwords", frozenset({Role.PASSWORD_RECIPIENT}))
RUN_OPERATIONS = Permission(
    "run_operations", frozenset({Role.OPERATOR}), frozenset({OrganisationKind.OPERATIONS})
)
# Enters times in which nothing is changed, and makes exceptions.
MANAGE_FREEZES = Permission("manage_freezes", RUN_OPERATIONS.roles, RUN_OPERATIONS.kinds)
MANAGE_REFERENCE = Permission("manage_reference", RUN_OPERATIONS.roles, RUN_OPERATIONS.kinds)
MANAGE_SEGMENTS = Permission("manage_segments", RUN_OPERATIONS.roles, RUN_OPERATIONS.kinds)
# REQ-09: the central association gives segments to 独自処理システム; everybody sees the map.
ALLOT_NETWORKS = Permission(
    "allot_networks", frozenset({Role.APPROVER}), frozenset({OrganisationKind.CENTRAL})
)
READ_NETWORKS = Permission("read_networks", READ_APPLICATIONS.roles)
READ_DNS = Permission("read_dns", READ_APPLICATIONS.roles)
READ_PASSWORD_SETTINGS = Permission("read_password_settings", READ_APPLICATIONS.roles)
READ_OWN_CHANGES = Permission("read_own_changes", READ_APPLICATIONS.roles)
# REQ-14: records what the federation changed itself on its switches and in its policy.
RECORD_OWN_CHANGES = Permission(
    "record_own_changes", frozenset({Role.APPLICANT, Role.SECURITY_OFFICER}), FEDERATIONS
)
READ_MANAGED = Permission("read_managed_machines", READ_APPLICATIONS.roles)  # REQ-07, REQ-08
# REQ-05: registers the zones in which DNS records can be applied for.
MANAGE_ZONES = Permission("manage_zones", RUN_OPERATIONS.roles, RUN_OPERATIONS.kinds)
# MAC-06: accepts a locally administered address, with the reason.
ACCEPT_LOCAL = Permission("accept_local_addresses", RUN_OPERATIONS.roles, RUN_OPERATIONS.kinds)
# REQ-11: a federation asks; network operations and the central association answer; operations keep the FAQ.
ASK_ENQUIRIES = Permission(
    "ask_enquiries",
    frozenset({Role.APPLICANT, Role.APPROVER, Role.SECURITY_OFFICER, Role.SECURITY_MANAGER}),
    FEDERATIONS,
)
READ_ENQUIRIES = Permission("read_enquiries", READ_APPLICATIONS.roles)
ANSWER_ENQUIRIES = Permission(
    "answer_enquiries", frozenset({Role.OPERATOR, Role.AUDIT_REVIEWER}), SEES_EVERYTHING
)
# REQ-10: plans outages, changes and cancels them.
PLAN_OUTAGES = Permission("plan_outages", RUN_OPERATIONS.roles, RUN_OPERATIONS.kinds)
EDIT_FAQ = Permission("edit_faq", RUN_OPERATIONS.roles, RUN_OPERATIONS.kinds)
# AUD-02 … AUD-08: reads the months of the audit and their days.
READ_AUDIT_CYCLES = Permission(
    "read_audit_cycles",
    frozenset(
        {
            Role.OPERATOR,
            Role.AUDIT_REVIEWER,
            Role.APPROVER,
            Role.SECURITY_OFFICER,
            Role.SECURITY_MANAGER,
            Role.AUDITOR,
        }
    ),
    FEDERATIONS | SEES_EVERYTHING,
)
# AUD-08: enters deadlines that hold from a later month, and local closures.
MANAGE_AUDIT_DEADLINES = Permission(
    "manage_audit_deadlines", frozenset({Role.OPERATOR, Role.AUDIT_REVIEWER}), SEES_EVERYTHING
)
MANAGE_ALL_MEMBERS = Permission("manage_all_members", RUN_OPERATIONS.roles, RUN_OPERATIONS.kinds)
MANAGE_OWN_MEMBERS = Permission("manage_own_members", frozenset({Role.SECURITY_MANAGER}), FEDERATIONS)
MANAGE_ROUTES = Permission("manage_routes", RUN_OPERATIONS.roles, RUN_OPERATIONS.kinds)
READ_TRAIL = Permission("read_trail", frozenset({Role.AUDITOR, Role.SECURITY_MANAGER, Role.OPERATOR}))
# AUD-01, AUD-10: network operations bring the logs; whoever makes or checks reports sees what was brought and what is missing.
IMPORT_LOGS = Permission("import_logs", RUN_OPERATIONS.roles, RUN_OPERATIONS.kinds)
READ_LOGS = Permission(
    "read_logs", frozenset({Role.OPERATOR, Role.AUDIT_REVIEWER, Role.AUDITOR}), SEES_EVERYTHING
)
# Audit of individual numbers (AUD-02…AUD-07): operations make the reports, 中央会 confirms, provides and keeps the copies,
# the federation confirms its own and sends them back. Who confirms for 中央会 reads them too.
READ_AUDIT = Permission(
    "read_audit",
    frozenset(
        {Role.OPERATOR, Role.AUDIT_REVIEWER, Role.AUDITOR, Role.SECURITY_OFFICER, Role.SECURITY_MANAGER}
    ),
    FEDERATIONS | SEES_EVERYTHING,
)
MAKE_AUDIT_REPORTS = Permission("make_audit_reports", RUN_OPERATIONS.roles, RUN_OPERATIONS.kinds)
CONFIRM_AUDIT_REPORTS = Permission(
    "confirm_audit_reports", frozenset({Role.APPROVER}), frozenset({OrganisationKind.CENTRAL})
)
STORE_AUDIT_COPIES = Permission(
    "store_audit_copies",
    frozenset({Role.AUDIT_REVIEWER, Role.APPROVER}),
    frozenset({OrganisationKind.CENTRAL}),
)
CONFIRM_OWN_AUDIT_REPORTS = Permission(
    "confirm_own_audit_reports", frozenset({Role.SECURITY_MANAGER}), FEDERATIONS
)
PRESENT_AUDIT_REPORTS = Permission(
    "present_audit_reports", frozenset({Role.SECURITY_OFFICER, Role.SECURITY_MANAGER}), FEDERATIONS
)
# AUD-02, AUD-03, AUD-05: the work ledgers. Each keeper writes its own; 中央会 and operations read all of them.
READ_LEDGERS = Permission("read_ledgers", READ_APPLICATIONS.roles, FEDERATIONS | SEES_EVERYTHING)
WRITE_CENTRAL_LEDGER = Permission(
    "write_central_ledger",
    frozenset({Role.APPLICANT, Role.AUDIT_REVIEWER}),
    frozenset({OrganisationKind.CENTRAL}),
)
WRITE_FEDERATION_LEDGER = Permission(
    "write_federation_ledger",
    frozenset({Role.APPLICANT, Role.SECURITY_OFFICER, Role.SECURITY_MANAGER}),
    FEDERATIONS,
)
# What is tolerated of a work is the matter of the one who checks (AUD-03).
MANAGE_WORK_TYPES = Permission(
    "manage_work_types", frozenset({Role.AUDIT_REVIEWER}), frozenset({OrganisationKind.CENTRAL})
)
# AUD-03, AUD-05: a reason for every mismatch, by those who check for 中央会 and for the federation.
GIVE_CENTRAL_REASONS = Permission(
    "give_central_reasons", frozenset({Role.AUDIT_REVIEWER}), frozenset({OrganisationKind.CENTRAL})
)
GIVE_FEDERATION_REASONS = Permission(
    "give_federation_reasons", frozenset({Role.SECURITY_OFFICER, Role.SECURITY_MANAGER}), FEDERATIONS
)
# Never by the person who opened it.
CLOSE_INCIDENTS = Permission(
    "close_incidents",
    frozenset({Role.AUDIT_REVIEWER, Role.SECURITY_MANAGER}),
    FEDERATIONS | frozenset({OrganisationKind.CENTRAL}),
)
# AUD-09: operations propose what is over its keeping time, 中央会 decides; both can hold something back.
PROPOSE_DISPOSALS = Permission("propose_disposals", RUN_OPERATIONS.roles, RUN_OPERATIONS.kinds)
DECIDE_DISPOSALS = Permission(
    "decide_disposals", frozenset({Role.APPROVER}), frozenset({OrganisationKind.CENTRAL})
)
HOLD_RECORDS = Permission(
    "hold_records", frozenset({Role.OPERATOR, Role.AUDIT_REVIEWER, Role.APPROVER}), SEES_EVERYTHING
)
READ_RETENTION = Permission("read_retention", HOLD_RECORDS.roles | {Role.AUDITOR}, SEES_EVERYTHING)
