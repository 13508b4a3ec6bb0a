"""Who gets what at every address: the declared policy that the matrix compares the portal with.

The objects belong to federation 13 (tests/matrix/world.py). Each address has an Access for GET and one for POST; None says
that the method does not exist there. An address without a policy fails the test. The roles are written out on purpose:
these tables must not follow a mistake in portal/orgs/permissions.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from devices.inventory import asking
from portal.orgs.permissions import Role
from portal.workflow import selectors
from tests.matrix.access import (
    ALL,
    APPLICANTS,
    APPROVER,
    EVERYONE_IN,
    FOUND,
    HIDDEN,
    LOGGED_IN,
    OK,
    OPERATOR,
    OWNER,
    READERS,
    READERS_OF_13,
    REFUSED,
    Access,
    Names,
    Policy,
    access,
    at,
    to,
)
from tests.matrix.world import ANONYMOUS, DEACTIVATED, EVERYBODY, World


# --- Applications: pages ------------------------------------------------------------------------------------------------
def draft(world: World) -> dict[str, Any]:
    """The draft of 13's applicant."""
    return {"number": world.draft.number}


def waiting(world: World) -> dict[str, Any]:
    """The application that waits for 13's approver."""
    return {"number": world.waiting.number}


def upload(world: World) -> dict[str, Any]:
    """A file that 13's applicant handed in."""
    return {"pk": world.upload.pk}


def upload_version(world: World) -> dict[str, Any]:
    """Its rows as they were seen."""
    return {"version": world.upload.version}


def attachment(world: World) -> dict[str, Any]:
    """The file of the draft."""
    return {"number": world.draft.number, "attachment_id": world.attachment.pk}


def decision(world: World, **more: Any) -> dict[str, Any]:
    """What an approver who read the waiting application sends."""
    person = world.person(Role.APPROVER)
    application = selectors.application(person, world.waiting.number)
    seen = selectors.decision_view(person, application, application.updated_at)
    assert seen.stage is not None
    return {
        "stage_id": seen.stage.pk,
        "content_hash": application.content_hash,
        "plan_digest": seen.plan_digest,
        "comment": "himitsu",
        **more,
    }


OWN_DRAFT = access(to(OWNER, OK))
DECIDE = access(to(APPROVER, FOUND), to(READERS_OF_13, REFUSED))
OWN_STEP = access(to(OWNER, FOUND), to(READERS_OF_13, REFUSED))

APPLICATION_PAGES = {
    "home": Policy(),
    "application_list": Policy(),
    "application_export": Policy(),
    "application_print": Policy(),
    "inbox": Policy(),
    "draft_list": Policy(),
    "filter_save": Policy(
        None, access(to(LOGGED_IN, FOUND)), data=lambda w: {"name": "x", "query": "mine=1"}
    ),
    "filter_remove": Policy(None, access(to(LOGGED_IN, FOUND)), lambda w: {"pk": w.saved_filter.pk}),
    "application_new": Policy(access(to(APPLICANTS, OK), otherwise=REFUSED)),
    "application_create": Policy(
        access(to(APPLICANTS, OK), otherwise=REFUSED),
        access(to(OWNER, FOUND), to(APPLICANTS, HIDDEN), otherwise=REFUSED),
        kwargs=lambda w: {"kind": "accounts.register"},
        data=lambda w: {"organisation": "13"},
    ),
    "application_file": Policy(
        access(to(APPLICANTS, OK), otherwise=REFUSED),
        access(to(OWNER, 422), to(APPLICANTS, HIDDEN), otherwise=REFUSED),
        kwargs=lambda w: {"kind": "accounts.register"},
        data=lambda w: {"organisation": "13"},
    ),
    "application_template": Policy(
        access(to(APPLICANTS, OK), otherwise=REFUSED), kwargs=lambda w: {"kind": "accounts.register"}
    ),
    "application_lines": Policy(access(to(READERS_OF_13, OK)), kwargs=waiting),
    "application_lines_file": Policy(access(to(READERS_OF_13, OK)), kwargs=waiting),
    "application_results": Policy(access(to(READERS_OF_13, OK)), kwargs=waiting),
    "application_progress": Policy(access(to(READERS_OF_13, FOUND)), kwargs=waiting),
    "application_reopen": Policy(None, access(to(OWNER, FOUND)), draft),
    "upload_rows": Policy(access(to(OWNER, OK)), access(to(OWNER, FOUND)), upload, upload_version),
    "upload_errors": Policy(access(to(OWNER, OK)), kwargs=upload),
    "upload_take_over": Policy(None, access(to(OWNER, FOUND)), upload, upload_version),
    "upload_discard": Policy(None, access(to(OWNER, FOUND)), upload),
    "application_detail": Policy(access(to(READERS_OF_13, OK)), kwargs=waiting),
    "application_edit": Policy(OWN_DRAFT, access(to(OWNER, FOUND, 422, 409)), draft),
    "application_confirm": Policy(OWN_DRAFT, access(to(OWNER, FOUND, 422, 409)), draft),
    "application_submit": Policy(
        None, access(to(OWNER, FOUND)), draft, data=lambda w: {"version": w.draft.version}
    ),
    "application_decide": Policy(
        None,
        access(to(APPROVER, OK), to(READERS_OF_13, REFUSED)),
        waiting,
        lambda w: decision(w, decision="approve"),
    ),
    "application_approve": Policy(None, DECIDE, waiting, decision),
    "application_reject": Policy(None, DECIDE, waiting, decision),
    "application_return": Policy(None, DECIDE, waiting, decision),
    "application_pull_back": Policy(None, OWN_STEP, waiting),
    "application_withdraw": Policy(None, OWN_STEP, waiting),
    "application_copy": Policy(None, OWN_STEP, waiting),
    "login_name_propose": Policy(
        None,
        access(to(OWNER, FOUND)),
        draft,
        data=lambda w: {"version": w.draft.version, "propose": "0"},
    ),
    "attachment_add": Policy(
        None, access(to(OWNER, FOUND)), draft, data=lambda w: {"version": w.draft.version}
    ),
    "attachment_download": Policy(OWN_DRAFT, None, attachment),
    "attachment_remove": Policy(
        None, access(to(OWNER, FOUND)), attachment, data=lambda w: {"version": w.draft.version}
    ),
}


# --- Applications: REST ---------------------------------------------------------------------------------------------------
def seen(application: str) -> Callable[[World], dict[str, str]]:
    """The version that the client read."""
    return lambda world: {"If-Match": f'"{getattr(world, application).version}"'}


def new_application(world: World) -> dict[str, Any]:
    """A draft for federation 13."""
    return {"kind": "accounts.register", "organisation": "13", "lines": [world.line()]}


API_DECIDE = access(to(APPROVER, OK), to(READERS_OF_13, REFUSED))
API_OWN_STEP = access(to(OWNER, OK), to(READERS_OF_13, REFUSED))
NOBODY_FINDS = access(otherwise=HIDDEN)

API = {
    "api_kinds": Policy(),
    "api_applications": Policy(
        EVERYONE_IN, access(to(OWNER, 201), to(APPLICANTS, 400), otherwise=REFUSED), data=new_application
    ),
    "api_application_files": Policy(
        None, access(to(APPLICANTS, 415), otherwise=REFUSED), data=lambda w: {"organisation": "13"}
    ),
    "api_application": Policy(access(to(READERS_OF_13, OK)), None, waiting),
    "api_application_submit": Policy(None, access(to(OWNER, OK)), draft, headers=seen("draft")),
    "api_application_approve": Policy(None, API_DECIDE, waiting, decision, seen("waiting")),
    "api_application_reject": Policy(None, API_DECIDE, waiting, decision, seen("waiting")),
    "api_application_return": Policy(None, API_DECIDE, waiting, decision, seen("waiting")),
    "api_application_pull-back": Policy(None, API_OWN_STEP, waiting, headers=seen("waiting")),
    "api_application_withdraw": Policy(None, API_OWN_STEP, waiting, headers=seen("waiting")),
    "api_operations": Policy(
        access(to(at("operations", Role.OPERATOR, Role.AUDITOR), OK), otherwise=REFUSED)
    ),
    "api_exchange_batches": Policy(
        access(to(at("operations", Role.OPERATOR, Role.AUDITOR), OK), otherwise=REFUSED)
    ),
    "api_jobs": Policy(access(to(at("operations", Role.OPERATOR, Role.AUDITOR), OK), otherwise=REFUSED)),
    "api_job_runs": Policy(
        access(to(at("operations", Role.OPERATOR, Role.AUDITOR), OK), otherwise=REFUSED),
        access(to(OPERATOR, 202), otherwise=REFUSED),
        lambda w: {"name": "purge_sessions"},
    ),
    "api_accounts": Policy(access(to(READERS, OK), otherwise=REFUSED)),
    "api_alerts": Policy(access(to(READERS, OK), otherwise=REFUSED)),
    "api_alert_answer": Policy(
        None,
        access(
            to(at("13", Role.SECURITY_OFFICER, Role.SECURITY_MANAGER), OK),
            to(READERS_OF_13, REFUSED),
            to(READERS, HIDDEN),
            otherwise=REFUSED,
        ),
        lambda w: {"pk": w.alert.pk},
        lambda w: {"answer": "INSTRUCTED", "reason": "himitsu"},
    ),
    "api_stations": Policy(access(to(READERS, OK), otherwise=REFUSED)),
    "api_skysea_findings": Policy(access(to(READERS, OK), otherwise=REFUSED)),
    "api_skysea_answer": Policy(
        None,
        access(
            to(at("13", Role.SECURITY_OFFICER), OK),
            to(READERS_OF_13, REFUSED),
            to(READERS, HIDDEN),
            otherwise=REFUSED,
        ),
        lambda w: {"pk": w.skysea.pk},
        lambda w: {"digest": w.skysea.digest, "answer": "CORRECTED"},
    ),
    "api_devices": Policy(access(to(READERS, OK), otherwise=REFUSED)),
    "api_device_registered": Policy(
        None,
        access(
            to(at("13", Role.SECURITY_OFFICER), OK),
            to(READERS_OF_13, REFUSED),
            to(READERS, HIDDEN),
            otherwise=REFUSED,
        ),
        lambda w: {"device": w.permit.device.number},
    ),
    "api_device_removed": Policy(
        None,
        access(
            to(at("13", Role.SECURITY_OFFICER), 409),
            to(READERS_OF_13, REFUSED),
            to(READERS, HIDDEN),
            otherwise=REFUSED,
        ),
        lambda w: {"device": w.permit.device.number},
    ),
    "api_computers": Policy(access(to(READERS, OK), otherwise=REFUSED)),
    "api_quarantine": Policy(access(to(READERS, OK), otherwise=REFUSED)),
    "api_whitelist_entries": Policy(access(to(READERS, OK), otherwise=REFUSED)),
    "api_whitelist_holders": Policy(access(to(READERS, 400), otherwise=REFUSED)),  # no address was given
    "api_whitelist": Policy(access(to(READERS, OK), otherwise=REFUSED)),
    "api_whitelist_check": Policy(access(to(READERS, 400), otherwise=REFUSED)),  # no address was given
    "api_guards": Policy(access(to(at("operations", Role.OPERATOR, Role.AUDITOR), OK), otherwise=REFUSED)),
    "api_guard_modes": Policy(
        access(to(at("operations", Role.OPERATOR, Role.AUDITOR), OK), otherwise=REFUSED),
        access(to(OPERATOR, 400), otherwise=REFUSED),
    ),
    "api_segments": Policy(access(to(READERS, OK), otherwise=REFUSED)),
    "api_login_names": Policy(
        None,
        access(to(APPLICANTS, OK, HIDDEN), otherwise=REFUSED),
        data=lambda w: {
            "organisation": "13",
            "people": [{"family_kana": "スズキ", "given_kana": "ミサキ"}],
        },
    ),
    "api_findings": Policy(access(to(READERS, OK), otherwise=REFUSED)),
    "api_organisations": Policy(),
    "api_me": Policy(),
    "api_schema": Policy(),
    "api_unknown": Policy(NOBODY_FINDS, NOBODY_FINDS),
}


# --- People and organisations -------------------------------------------------------------------------------------------
MANAGERS = at("13", Role.SECURITY_MANAGER) | OPERATOR
IN_SCOPE = at("13") | at("central") | at("operations")
DEPUTY_NAMERS = MANAGERS | at("13", Role.APPROVER, Role.SECURITY_OFFICER)
MANAGE = access(to(MANAGERS, OK), to(IN_SCOPE, REFUSED))
MANAGE_STEP = access(to(MANAGERS, FOUND), to(IN_SCOPE, REFUSED))
TRAIL_READERS = OPERATOR | frozenset(n for n in EVERYBODY if n.endswith((":AUDITOR", ":SECURITY_MANAGER")))


def of_13(world: World) -> dict[str, Any]:
    """Federation 13 itself."""
    return {"code": "13"}


def user_of_13(world: World) -> dict[str, Any]:
    """A person of federation 13."""
    return {"uid": world.person(Role.USER).uid}


def recipient(world: World) -> dict[str, Any]:
    """A registered recipient of federation 13."""
    return {"pk": world.recipient.pk}


PEOPLE = {
    "organisation_list": Policy(),
    "organisation_detail": Policy(access(to(READERS_OF_13, OK), to(IN_SCOPE, REFUSED)), None, of_13),
    "member_add": Policy(MANAGE, MANAGE, of_13),
    "membership_end": Policy(MANAGE, MANAGE_STEP, lambda w: {"pk": w.membership.pk}),
    "person_shut_out": Policy(None, MANAGE_STEP, user_of_13),
    "person_let_in": Policy(None, MANAGE_STEP, user_of_13),
    "deputy_list": Policy(),
    "deputy_add": Policy(
        access(to(DEPUTY_NAMERS, OK), to(IN_SCOPE, REFUSED)),
        access(to(DEPUTY_NAMERS, OK), to(IN_SCOPE, REFUSED)),
        of_13,
    ),
    "deputy_end": Policy(
        None,
        access(to(DEPUTY_NAMERS, FOUND), to(IN_SCOPE, REFUSED)),
        lambda w: {"pk": w.deputy.pk},
    ),
    "naming_rule": Policy(MANAGE, MANAGE, of_13),
    "delivery_setting": Policy(MANAGE, MANAGE, of_13),
    "pickup_list": Policy(),
    "pickup": Policy(access(), access(), lambda w: {"pk": 1}),
    "recipient_list": Policy(access(to(READERS, OK), otherwise=REFUSED)),
    "recipient_add": Policy(MANAGE, MANAGE, of_13),
    "recipient_resend": Policy(None, MANAGE_STEP, recipient),
    "recipient_end": Policy(None, MANAGE_STEP, recipient),
    # The mailed link is the key: whoever holds it sees the page, logged in or not.
    "recipient_confirm": Policy(
        access(to(ALL, OK)), access(to(ALL, OK)), lambda w: {"token": w.confirmation_token}
    ),
    "trail_list": Policy(access(to(TRAIL_READERS, OK), otherwise=REFUSED)),
    "trail_export": Policy(access(to(TRAIL_READERS, OK), otherwise=REFUSED)),
}

# --- Accounts -------------------------------------------------------------------------------------------------------------
ACCOUNT_LIST = access(to(READERS, OK), otherwise=REFUSED)
ACCOUNTS = {
    "account_list": Policy(ACCOUNT_LIST),
    "account_export": Policy(ACCOUNT_LIST),
    "account_print": Policy(ACCOUNT_LIST),
    "account_detail": Policy(
        access(to(READERS_OF_13, OK), to(READERS, HIDDEN), otherwise=REFUSED),
        None,
        lambda w: {"guid": w.account.object_guid},
    ),
    "operation_login_name": Policy(
        access(to(OPERATOR, OK)), access(to(OPERATOR, 422)), lambda w: {"operation_id": w.operation.pk}
    ),
    "operation_recipient": Policy(
        access(to(OPERATOR, OK)), access(to(OPERATOR, 422)), lambda w: {"operation_id": w.operation.pk}
    ),
}


# --- Machines and devices ---------------------------------------------------------------------------------------------------
RECORDERS = frozenset(name for name in EVERYBODY if name.endswith(":SECURITY_OFFICER"))
MANAGERS = frozenset(name for name in EVERYBODY if name.endswith(":SECURITY_MANAGER"))
FOLLOWERS = at("operations", Role.OPERATOR, Role.AUDITOR)
OFFICER = at("13", Role.SECURITY_OFFICER)


def device(world: World) -> dict[str, Any]:
    """13's device that waits for its registration."""
    return {"number": world.permit.device.number}


DEVICE_LIST = access(to(READERS, OK), otherwise=REFUSED)
DEVICES = {
    "computer_list": Policy(DEVICE_LIST),
    "computer_export": Policy(DEVICE_LIST),
    "computer_print": Policy(DEVICE_LIST),
    "computer_detail": Policy(
        access(to(READERS_OF_13, OK), to(READERS, HIDDEN), otherwise=REFUSED),
        None,
        lambda w: {"uid": w.computer.uid},
    ),
    "device_list": Policy(DEVICE_LIST),
    "device_export": Policy(DEVICE_LIST),
    "device_print": Policy(DEVICE_LIST),
    "device_detail": Policy(
        access(to(READERS_OF_13, OK), to(READERS, HIDDEN), otherwise=REFUSED), None, device
    ),
    "registration_list": Policy(access(to(RECORDERS | FOLLOWERS, OK), otherwise=REFUSED)),
    "registration_record": Policy(
        access(to(OFFICER, OK), to(FOLLOWERS, REFUSED), to(RECORDERS, HIDDEN), otherwise=REFUSED),
        access(to(OFFICER, FOUND), to(FOLLOWERS, REFUSED), to(RECORDERS, HIDDEN), otherwise=REFUSED),
        device,
    ),
    "skysea_home": Policy(access(to(RECORDERS | FOLLOWERS, OK), otherwise=REFUSED)),
    "skysea_orders": Policy(None, access(to(RECORDERS, FOUND), to(OPERATOR, 422), otherwise=REFUSED)),
    "skysea_order_file": Policy(
        access(to(OFFICER | FOLLOWERS, OK), to(RECORDERS, HIDDEN), otherwise=REFUSED),
        None,
        lambda w: {"pk": w.orders.pk},
    ),
    "skysea_import": Policy(None, access(to(RECORDERS | OPERATOR, 422), otherwise=REFUSED)),
    "skysea_import_detail": Policy(
        access(to(OFFICER | FOLLOWERS, OK), to(RECORDERS, HIDDEN), otherwise=REFUSED),
        None,
        lambda w: {"pk": w.skysea.first_import_id},
    ),
    "skysea_mapping": Policy(
        access(to(OPERATOR, OK), otherwise=REFUSED), access(to(OPERATOR, 422), otherwise=REFUSED)
    ),
    "skysea_findings": Policy(DEVICE_LIST),
    "skysea_findings_export": Policy(DEVICE_LIST),
    "skysea_findings_print": Policy(DEVICE_LIST),
    "skysea_finding": Policy(
        access(to(READERS_OF_13, OK), to(READERS, HIDDEN), otherwise=REFUSED),
        access(to(OFFICER, FOUND), to(READERS_OF_13, REFUSED), to(READERS, HIDDEN), otherwise=REFUSED),
        lambda w: {"pk": w.skysea.pk},
        lambda w: {"digest": w.skysea.digest, "answer": "CORRECTED"},
    ),
    "alert_list": Policy(DEVICE_LIST),
    "alert_export": Policy(DEVICE_LIST),
    "alert_print": Policy(DEVICE_LIST),
    "alert_figures": Policy(DEVICE_LIST),
    "alert_import": Policy(
        access(to(RECORDERS | FOLLOWERS, OK), otherwise=REFUSED),
        access(to(RECORDERS | OPERATOR, 422), otherwise=REFUSED),
    ),
    "alert_open": Policy(
        access(to(RECORDERS | MANAGERS, OK), otherwise=REFUSED),
        access(to(RECORDERS | MANAGERS, 422), otherwise=REFUSED),
    ),
    "alert_detail": Policy(
        access(to(READERS_OF_13, OK), to(READERS, HIDDEN), otherwise=REFUSED),
        access(
            to(OFFICER | at("13", Role.SECURITY_MANAGER), FOUND),
            to(READERS_OF_13, REFUSED),
            to(READERS, HIDDEN),
            otherwise=REFUSED,
        ),
        lambda w: {"pk": w.alert.pk},
        lambda w: {"answer": "INSTRUCTED", "reason": "himitsu"},
    ),
    "station_list": Policy(DEVICE_LIST, access(to(RECORDERS, 422), otherwise=REFUSED)),
    "station_end": Policy(
        access(to(OFFICER, OK), to(READERS_OF_13, REFUSED), to(READERS, HIDDEN), otherwise=REFUSED),
        access(to(OFFICER, FOUND), to(READERS_OF_13, REFUSED), to(READERS, HIDDEN), otherwise=REFUSED),
        lambda w: {"pk": w.station.pk},
        lambda w: {"reason": "himitsu"},
    ),
    "choice_list": Policy(DEVICE_LIST, access(to(OPERATOR, 422), otherwise=REFUSED)),
    "choice_end": Policy(
        access(to(OPERATOR, OK), otherwise=REFUSED),
        access(to(OPERATOR, 422), otherwise=REFUSED),
        lambda w: {"of": "systems", "code": "other"},
    ),
    "quarantine_list": Policy(DEVICE_LIST),
    "quarantine_export": Policy(DEVICE_LIST),
    "quarantine_print": Policy(DEVICE_LIST),
    "quarantine_imports": Policy(
        access(to(FOLLOWERS, OK), otherwise=REFUSED), access(to(OPERATOR, 422), otherwise=REFUSED)
    ),
    "quarantine_import": Policy(
        access(to(FOLLOWERS, OK), otherwise=REFUSED), None, lambda w: {"pk": w.quarantine_import.pk}
    ),
    "quarantine_mapping": Policy(
        access(to(FOLLOWERS, OK), otherwise=REFUSED), access(to(OPERATOR, 422), otherwise=REFUSED)
    ),
    "whitelist_list": Policy(DEVICE_LIST),
    "whitelist_export": Policy(DEVICE_LIST),
    "whitelist_print": Policy(DEVICE_LIST),
    "whitelist_holders": Policy(DEVICE_LIST),
    "whitelist_entry": Policy(
        access(to(READERS_OF_13, OK), to(READERS, HIDDEN), otherwise=REFUSED),
        None,
        lambda w: {"uid": w.whitelist_entry.uid},
    ),
    "local_address_list": Policy(DEVICE_LIST, access(to(OPERATOR, 422), otherwise=REFUSED)),
    "local_address_end": Policy(
        None,
        access(to(OPERATOR, FOUND), to(READERS_OF_13, REFUSED), to(READERS, HIDDEN), otherwise=REFUSED),
        lambda w: {"pk": w.local_address.pk},
    ),
    "segment_list": Policy(DEVICE_LIST, access(to(OPERATOR, 422), otherwise=REFUSED)),
    "segment_end": Policy(
        None,
        access(
            to(OPERATOR, FOUND),
            to(READERS_OF_13, REFUSED),
            to(READERS, HIDDEN),
            otherwise=REFUSED,
        ),
        lambda w: {"pk": w.segment.pk},
    ),
}


# --- Dormant accounts -------------------------------------------------------------------------------------------------------
ANSWERERS = at("13", Role.APPLICANT, Role.SECURITY_MANAGER)
OF_13 = access(to(READERS_OF_13, OK), to(READERS, HIDDEN), otherwise=REFUSED)


def month(world: World) -> dict[str, Any]:
    """The month of 13's list."""
    return {"period": world.dormant_line.review.run.period}


def dormant(world: World) -> dict[str, Any]:
    """13's list of that month."""
    return {**month(world), "code": "13"}


def kept(world: World) -> dict[str, Any]:
    """The answer of a form."""
    return {"line": [world.dormant_line.choice], "answer": "KEEP", "reason": "himitsu"}


def api_kept(world: World) -> dict[str, Any]:
    """The answer of a program."""
    line = world.dormant_line
    row = {"id": line.pk, "version": line.version, "answer": "KEEP", "reason": "himitsu"}
    return {"month": str(line.review.run), "organisation": "13", "answers": [row]}


DORMANT = {
    "dormant_list": Policy(ACCOUNT_LIST),
    "dormant_report": Policy(ACCOUNT_LIST, None, month),
    "dormant_report_export": Policy(ACCOUNT_LIST, None, month),
    "dormant_review": Policy(OF_13, None, dormant),
    "dormant_answer": Policy(
        None,
        access(to(ANSWERERS, FOUND), to(READERS_OF_13, REFUSED), to(READERS, HIDDEN), otherwise=REFUSED),
        dormant,
        kept,
    ),
    "dormant_export": Policy(OF_13, None, dormant),
    "dormant_sheet": Policy(
        access(to(ANSWERERS, OK), to(READERS_OF_13, REFUSED), to(READERS, HIDDEN), otherwise=REFUSED),
        None,
        dormant,
    ),
    "dormant_upload": Policy(
        None,
        access(to(ANSWERERS, 422), to(READERS_OF_13, REFUSED), to(READERS, HIDDEN), otherwise=REFUSED),
        dormant,
    ),
    "api_dormant": Policy(ACCOUNT_LIST),
    "api_dormant_answers": Policy(
        None,
        access(to(ANSWERERS, OK), to(READERS_OF_13, REFUSED), to(READERS, HIDDEN), otherwise=REFUSED),
        data=api_kept,
    ),
}


# --- Inventory of devices ---------------------------------------------------------------------------------------------------
def quarter(world: World) -> dict[str, Any]:
    """The quarter of 13's sheet."""
    return {"period": world.inventory_line.sheet.campaign.starts_on}


def inventory(world: World) -> dict[str, Any]:
    """13's sheet of that quarter."""
    return {**quarter(world), "code": "13"}


def to_remove(world: World) -> dict[str, Any]:
    """The decision of a form that officers and applicants may take."""
    return {"line": [world.inventory_line.choice], "decision": "REMOVE"}


def api_to_remove(world: World) -> dict[str, Any]:
    """The decision of a program."""
    line = world.inventory_line
    row = {"id": line.pk, "version": line.version, "decision": "REMOVE"}
    return {"quarter": str(line.sheet.campaign), "organisation": "13", "decisions": [row]}


def ticked(world: World) -> dict[str, Any]:
    """The line alone."""
    return {"line": [world.inventory_line.choice]}


def step_of(names: Names) -> Access:
    """A button of 13's sheet."""
    return access(to(names, FOUND), to(READERS_OF_13, REFUSED), to(READERS, HIDDEN), otherwise=REFUSED)


DECIDERS = OFFICER | OWNER
PUBLIC_LINK = access(to(ALL, OK))
SCAN = access(to(OFFICER, OK), to(READERS_OF_13, REFUSED), to(READERS, HIDDEN), otherwise=REFUSED)
INVENTORY = {
    "inventory_list": Policy(DEVICE_LIST),
    "inventory_campaign": Policy(DEVICE_LIST, None, quarter),
    "inventory_campaign_export": Policy(DEVICE_LIST, None, quarter),
    "inventory_report": Policy(DEVICE_LIST, None, quarter),
    "inventory_close": Policy(None, access(to(OPERATOR, FOUND), otherwise=REFUSED), quarter),
    "inventory_labels": Policy(
        access(to(READERS_OF_13, OK), to(READERS, HIDDEN), otherwise=REFUSED)  # others have no device
    ),
    "inventory_sheet": Policy(OF_13, None, inventory),
    "inventory_sheet_report": Policy(OF_13, None, inventory),
    "inventory_export": Policy(OF_13, None, inventory),
    "inventory_decide": Policy(None, step_of(DECIDERS), inventory, to_remove),
    "inventory_recent": Policy(None, step_of(OFFICER), inventory),
    "inventory_replies": Policy(None, step_of(OFFICER), inventory),
    "inventory_ask": Policy(None, step_of(OFFICER), inventory, ticked),
    "inventory_removals": Policy(None, step_of(OWNER), inventory),
    "inventory_scan": Policy(
        SCAN,
        access(to(OFFICER, OK), to(READERS_OF_13, REFUSED), to(READERS, HIDDEN), otherwise=REFUSED),
        inventory,
        lambda w: {"number": w.inventory_line.number},
    ),
    "api_inventory": Policy(DEVICE_LIST),
    "api_inventory_decisions": Policy(
        None,
        access(to(DECIDERS, OK), to(READERS_OF_13, REFUSED), to(READERS, HIDDEN), otherwise=REFUSED),
        data=api_to_remove,
    ),
    # The mailed link is the key: whoever holds it sees the page, logged in or not, and nothing else of 13.
    "inventory_question": Policy(
        PUBLIC_LINK,
        PUBLIC_LINK,
        lambda w: {"token": asking.token_of(w.inventory_line)},
        lambda w: {"answer": "NOT_NEEDED"},
    ),
}


# --- Reconciliation: findings of 13 are read by its readers, answered by operators -----------------------------------------
def finding(world: World) -> dict[str, Any]:
    """An open finding about 13's account."""
    return {"pk": world.finding.pk}


ANSWER = access(to(OPERATOR, 409, 422), otherwise=REFUSED)
RUN_READERS = at("operations", Role.OPERATOR, Role.AUDITOR)
RECONCILIATION = {
    "finding_list": Policy(ACCOUNT_LIST),
    "finding_export": Policy(ACCOUNT_LIST),
    "finding_print": Policy(ACCOUNT_LIST),
    "finding_detail": Policy(
        access(to(READERS_OF_13, OK), to(READERS, HIDDEN), otherwise=REFUSED), None, finding
    ),
    "finding_answer": Policy(None, ANSWER, finding, lambda w: {"answer": "ACCEPT", "reason": "himitsu"}),
    "finding_confirm": Policy(None, ANSWER, finding),
    "finding_take_back": Policy(None, ANSWER, finding),
    "reconciliation_list": Policy(access(to(RUN_READERS, OK), otherwise=REFUSED)),
    "reconciliation_start": Policy(None, access(to(OPERATOR, FOUND), otherwise=REFUSED)),
}

# --- Operations, mail, jobs -----------------------------------------------------------------------------------------------
OPERATION_READERS = at("operations", Role.OPERATOR, Role.AUDITOR)
READ_OPERATIONS = access(to(OPERATION_READERS, OK), otherwise=REFUSED)


def operation(world: World) -> dict[str, Any]:
    """The operation that waits for the directory."""
    return {"pk": world.operation.pk}


def directory(world: World) -> dict[str, Any]:
    """The target of that operation."""
    return {"target": "directory"}


def run(*statuses: int) -> Access:
    """For operators only."""
    return access(to(OPERATOR, *statuses), otherwise=REFUSED)


def job(world: World) -> dict[str, Any]:
    """A job of the schedule."""
    return {"name": "purge_sessions"}


OPERATIONS = {
    "operation_list": Policy(READ_OPERATIONS),
    "operation_export": Policy(READ_OPERATIONS),
    "operation_print": Policy(READ_OPERATIONS),
    "gate_close": Policy(run(OK), run(FOUND), data=lambda w: {"reason": "himitsu"}),
    "gate_open": Policy(run(OK), run(FOUND), data=lambda w: {"reason": "himitsu"}),
    "operation_detail": Policy(READ_OPERATIONS, None, operation),
    "operation_sheet": Policy(READ_OPERATIONS, None, operation),
    "operation_record": Policy(run(409), run(409, 422), operation),  # nobody took it by hand yet
    "operation_retry": Policy(run(OK), run(FOUND), operation),
    "operation_take": Policy(run(OK), run(FOUND), operation),
    "operation_give_back": Policy(run(409), run(409), operation),
    "operation_close": Policy(run(OK), run(FOUND), operation, lambda w: {"reason": "himitsu"}),
    "exchange_list": Policy(READ_OPERATIONS),
    "exchange_upload": Policy(None, run(422)),
    "exchange_mapping": Policy(run(OK), run(422)),
    "exchange_batch": Policy(READ_OPERATIONS, None, lambda w: {"number": w.batch.number}),
    "exchange_download": Policy(READ_OPERATIONS, None, lambda w: {"number": w.batch.number}),
    "exchange_answer": Policy(READ_OPERATIONS, None, lambda w: {"pk": w.answer.pk}),
    "guard_list": Policy(READ_OPERATIONS),
    "guard_publish": Policy(None, run(FOUND)),
    "guard_file": Policy(READ_OPERATIONS, None, lambda w: {"form": "radius"}),
    "guard_modes": Policy(READ_OPERATIONS, run(422)),
    "guard_mapping": Policy(run(OK), run(422)),
    "target_pause": Policy(None, run(FOUND), directory),
    "target_resume": Policy(None, run(FOUND), directory),
    "notice_list": Policy(),
    "notice_read": Policy(None, access(to(LOGGED_IN, FOUND))),
    "notice_send_again": Policy(
        None, access(to(OPERATOR, FOUND), to(IN_SCOPE, REFUSED)), lambda w: {"pk": w.notice.pk}
    ),
    "continuity_list": Policy(READ_OPERATIONS),
    "continuity_make": Policy(None, run(FOUND)),
    "continuity_download": Policy(run(HIDDEN), None, lambda w: {"pk": 1}),
    "job_list": Policy(READ_OPERATIONS),
    "job_history": Policy(READ_OPERATIONS, None, job),
    "job_run": Policy(run(OK), run(FOUND), job),
    "route_list": Policy(run(OK)),
    "route_edit": Policy(run(OK), run(422), lambda w: {"kind": "accounts.register"}),
    "route_edit_own": Policy(run(OK), run(422), lambda w: {"kind": "accounts.register", "code": "13"}),
}

# --- The person's own pages, login, help ----------------------------------------------------------------------------------
PUBLIC = access(to(ALL, OK))
GUESTS = frozenset({ANONYMOUS, DEACTIVATED})
REAUTHENTICATE = access(to(LOGGED_IN, REFUSED))  # people without a second factor have nothing to show again
NO_FACTOR_YET = access(to(LOGGED_IN, HIDDEN))
HALF_LOGGED_IN = access(to(ALL, FOUND))  # to the login page: nobody here is half logged in

OWN_PAGES = {
    "session_extend": Policy(None, access(to(LOGGED_IN, 204))),
    "set_language": Policy(None, access(to(ALL, FOUND))),
    "readiness": Policy(PUBLIC, PUBLIC),
    "help": Policy(PUBLIC, PUBLIC),
    "help_role": Policy(PUBLIC, PUBLIC, lambda w: {"slug": "applicant"}),
    "profile": Policy(EVERYONE_IN, EVERYONE_IN),
    "password_change": Policy(EVERYONE_IN, EVERYONE_IN),
    "initial_password_change": Policy(HALF_LOGGED_IN, HALF_LOGGED_IN),
    "own_address": Policy(EVERYONE_IN, EVERYONE_IN),
    "public_password_change": Policy(PUBLIC, PUBLIC),
    # Before login only: whoever is in is led to their own page, and nobody here has got further than the start.
    "reminder_ask": Policy(
        access(to(LOGGED_IN, FOUND), to(GUESTS, OK)), access(to(LOGGED_IN, FOUND), to(GUESTS, 422))
    ),
    "reminder_code": Policy(HALF_LOGGED_IN, HALF_LOGGED_IN),
    "reminder_factor": Policy(HALF_LOGGED_IN, HALF_LOGGED_IN),
    "reminder_choose": Policy(HALF_LOGGED_IN, HALF_LOGGED_IN),
    "token_list": Policy(),
    "columns_choose": Policy(None, access(to(LOGGED_IN, FOUND)), lambda w: {"table": "accounts"}),
    "token_create": Policy(None, access(to(LOGGED_IN, 422))),
    "token_revoke": Policy(None, access(to(OWNER, FOUND)), lambda w: {"pk": w.token.pk}),
    "account_login": Policy(
        access(to(LOGGED_IN, FOUND), to(GUESTS, OK)), access(to(LOGGED_IN, FOUND), to(GUESTS, OK))
    ),
    "account_logout": Policy(access(to(LOGGED_IN, OK)), access(to(LOGGED_IN, FOUND))),
    "account_inactive": Policy(PUBLIC),
    "account_reauthenticate": Policy(REAUTHENTICATE, REAUTHENTICATE),
    "mfa_index": Policy(),
    "mfa_authenticate": Policy(access(to(LOGGED_IN, FOUND)), access(to(LOGGED_IN, FOUND))),
    "mfa_reauthenticate": Policy(REAUTHENTICATE, REAUTHENTICATE),
    "mfa_activate_totp": Policy(EVERYONE_IN, EVERYONE_IN),
    "mfa_totp_qr": Policy(),
    "mfa_deactivate_totp": Policy(NO_FACTOR_YET, NO_FACTOR_YET),
    "mfa_view_recovery_codes": Policy(NO_FACTOR_YET, None),
    "mfa_generate_recovery_codes": Policy(EVERYONE_IN, EVERYONE_IN),
    "mfa_download_recovery_codes": Policy(NO_FACTOR_YET, NO_FACTOR_YET),
    "mfa_list_webauthn": Policy(),
    "mfa_add_webauthn": Policy(EVERYONE_IN, EVERYONE_IN),
    "mfa_reauthenticate_webauthn": Policy(REAUTHENTICATE, REAUTHENTICATE),
    "mfa_remove_webauthn": Policy(NO_FACTOR_YET, NO_FACTOR_YET, lambda w: {"pk": 1}),
    "mfa_edit_webauthn": Policy(NO_FACTOR_YET, NO_FACTOR_YET, lambda w: {"pk": 1}),
    # The inbox of the mail catcher exists in the embedded set-up only and stands open there.
    "embedded:inbox": Policy(PUBLIC),
    "embedded:mail": Policy(access(to(ALL, HIDDEN)), None, lambda w: {"key": "no-such-mail"}),
}

POLICIES: dict[str, Policy] = {
    **APPLICATION_PAGES,
    **API,
    **PEOPLE,
    **ACCOUNTS,
    **DEVICES,
    **DORMANT,
    **INVENTORY,
    **RECONCILIATION,
    **OPERATIONS,
    **OWN_PAGES,
}
