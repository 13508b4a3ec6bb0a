"""Limits, days and counts of the rooms. What a federation or the central association may want otherwise comes from the environment."""

from __future__ import annotations

from typing import Any

from portal import env
from portal.settings.places import STATE_DIR

# --- Attachments -----------------------------------------------------------------------------------------------------
ATTACHMENT_MAX_BYTES = 10 * 1024 * 1024
BULK_MAX_BYTES = env.number("BULK_MAX_MEGABYTES", 5) * 1024 * 1024  # 2,000 rows have a tenth of it
ATTACHMENTS_PER_APPLICATION = 10
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000

# --- Change tickets --------------------------------------------------------------------------------------------------
# So many unlocks of one account within so many days are marked: something uses an old password, or somebody tries (REQ-04).
UNLOCK = {
    "repeat_count": env.number("UNLOCK_REPEAT_COUNT", 3),
    "repeat_days": env.number("UNLOCK_REPEAT_DAYS", 7),
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
# How many days a deleted computer object can be restored before it is removed from AD for good (REQ-02).
COMPUTER_REMOVAL_DAYS = env.number("COMPUTER_REMOVAL_DAYS", 30)

# --- Login names (ACC-06) --------------------------------------------------------------------------------------------
# Years after an account was removed for good before its login name may be given again.
LOGIN_NAME_REUSE_YEARS = env.number("LOGIN_NAME_REUSE_YEARS", 5)
# Days for which a proposed name is held for an application that is still being written.
LOGIN_NAME_HELD_DAYS = env.number("LOGIN_NAME_HELD_DAYS", 14)

# --- Passwords (ACC-07 to ACC-10) ------------------------------------------------------------------------------------
# ACC-07 reading A: no run of three characters of the login name (docs/adr/0008).
PASSWORD_NAME_RUN_LENGTH = env.number("PASSWORD_NAME_RUN_LENGTH", 3)
RECIPIENT_CONFIRMED_DAYS = env.number("RECIPIENT_CONFIRMED_DAYS", 183)  # then the address is confirmed again
PICKUP_CODE_DAYS = env.number("PICKUP_CODE_DAYS", 14)
PICKUP_CODE_ATTEMPTS = env.number("PICKUP_CODE_ATTEMPTS", 5)
INITIAL_PASSWORD_REMINDER_DAYS = env.number("INITIAL_PASSWORD_REMINDER_DAYS", 7)
INITIAL_PASSWORD_UNUSED_DAYS = env.number("INITIAL_PASSWORD_UNUSED_DAYS", 14)  # then the account is disabled

# --- Fulfilment ------------------------------------------------------------------------------------------------------
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

# --- Reconciliation of accounts with AD ------------------------------------------------------------------------------
RECONCILIATION = {
    # What was written within this time is not judged: a domain controller may not have heard of it yet.
    "replication_minutes": env.number("RECONCILIATION_REPLICATION_MINUTES", 60),
}

# --- Accounts --------------------------------------------------------------------------------------------------------
# ACC-14: how long without a logon is dormant, and in how many business days a federation answers.
DORMANT_MONTHS = env.number("DORMANT_MONTHS", 6)
DORMANT_ANSWER_DAYS = env.number("DORMANT_ANSWER_DAYS", 10)
# Days for which a deleted account can be restored before it is removed for good.
ACCOUNT_REMOVAL_DAYS = env.number("ACCOUNT_REMOVAL_DAYS", 30)

# --- Outages and enquiries -------------------------------------------------------------------------------------------
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

# --- Audit -----------------------------------------------------------------------------------------------------------
# A file of log lines, unpacked, at most.
AUDIT_LOG_MAX_BYTES = env.number("AUDIT_LOG_MAX_MEGABYTES", 1024) * 1024 * 1024
WORK_NUMBERS: dict[str, str] = {
    # 管理番号 that the portal proposes, by ledger: {year} of the plan, {number} from one sequence, {code} of the federation.
    "CENTRAL": env.text("WORK_NUMBER_CENTRAL", "作業-{year}-{number:06}"),
    "FEDERATION": env.text("WORK_NUMBER_FEDERATION", "連{code}-{year}-{number:06}"),
}

# --- Devices ---------------------------------------------------------------------------------------------------------
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
# DEV-07: after how many days without use a device counts as unused, in how many business days a federation decides,
# and how many more a campaign stays open.
INVENTORY_UNUSED_DAYS = env.number("INVENTORY_UNUSED_DAYS", 90)
INVENTORY_ANSWER_DAYS = env.number("INVENTORY_ANSWER_DAYS", 20)
INVENTORY_GRACE_DAYS = env.number("INVENTORY_GRACE_DAYS", 15)

# --- PC bundles (REQ-13) ---------------------------------------------------------------------------------------------
BUNDLES: dict[str, Any] = {
    "max_machines": env.number("BUNDLE_MAX_MACHINES", 200),
    # An open bundle is reminded of to its applicant after so many days, and every so many days again.
    "remind_days": env.number("BUNDLE_REMIND_DAYS", 7),
}
