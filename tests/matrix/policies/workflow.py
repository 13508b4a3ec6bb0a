"""Applications: their pages and their REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from portal.orgs.permissions import Role
from portal.workflow import selectors
from tests.matrix.access import (
    APPLICANTS,
    APPROVER,
    EVERYONE_IN,
    FOLLOWERS,
    FOUND,
    HIDDEN,
    LOGGED_IN,
    OK,
    OWNER,
    READ_LIST,
    READERS,
    READERS_OF_13,
    REFUSED,
    Policy,
    access,
    at,
    by_operator,
    to,
)
from tests.matrix.world import World


def draft(world: World) -> dict[str, Any]:
    """The draft of 13's applicant."""
    return {"number": world.draft.number}


def waiting(world: World) -> dict[str, Any]:
    """The application that waits for 13's approver."""
    return {"number": world.waiting.number}


def ended(world: World) -> dict[str, Any]:
    """The one of 13 that has ended, whose report did not arrive."""
    return {"number": world.ended.number}


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

_COLLEAGUES = at("13", Role.APPROVER, Role.SECURITY_OFFICER, Role.SECURITY_MANAGER)
TELL = access(to(_COLLEAGUES, FOUND), to(READERS_OF_13, REFUSED))
API_TELL = access(to(_COLLEAGUES, OK), to(READERS_OF_13, REFUSED))
_FOLLOWS = frozenset(name for name in READERS if not name.endswith(":AUDITOR")) | FOLLOWERS
FOLLOW = access(to(_FOLLOWS, OK), otherwise=REFUSED)


def seen(application: str) -> Callable[[World], dict[str, str]]:
    """The version that the client read."""
    return lambda world: {"If-Match": f'"{getattr(world, application).version}"'}


def new_application(world: World) -> dict[str, Any]:
    """A draft for federation 13."""
    return {"kind": "accounts.register", "organisation": "13", "lines": [world.line()]}


API_DECIDE = access(to(APPROVER, OK), to(READERS_OF_13, REFUSED))
API_OWN_STEP = access(to(OWNER, OK), to(READERS_OF_13, REFUSED))

POLICIES: dict[str, Policy] = {
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
    "application_new": Policy(),
    "catalogue_print": Policy(),
    "api_catalogue": Policy(),
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
    "calendar": Policy(READ_LIST),
    "calendar_export": Policy(READ_LIST),
    "freeze_list": Policy(READ_LIST, by_operator(422)),
    "freeze_end": Policy(None, by_operator(FOUND), lambda w: {"pk": w.freeze.pk}),
    "api_calendar": Policy(READ_LIST),
    "api_calendar_feed": Policy(READ_LIST),
    "application_report": Policy(access(to(READERS_OF_13, OK)), kwargs=ended),
    "application_report_file": Policy(
        access(to(READERS_OF_13, OK)),
        kwargs=lambda w: {"number": w.carried_out.number, "pk": w.shown.pk},
    ),
    "application_told": Policy(None, TELL, ended, lambda w: {"told-note": "11月20日に電話で"}),
    "report_list": Policy(FOLLOW),
    "report_export": Policy(FOLLOW),
    "report_print": Policy(FOLLOW),
    "api_application_report": Policy(access(to(READERS_OF_13, OK)), kwargs=ended),
    "api_application_told": Policy(
        None, API_TELL, ended, lambda w: {"note": "11月20日に電話で"}, seen("ended")
    ),
    "api_reports": Policy(FOLLOW),
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
        None, access(to(OWNER, FOUND)), draft, data=lambda w: {"version": w.draft.version, "propose": "0"}
    ),
    "attachment_add": Policy(
        None, access(to(OWNER, FOUND)), draft, data=lambda w: {"version": w.draft.version}
    ),
    "attachment_download": Policy(OWN_DRAFT, None, attachment),
    "attachment_remove": Policy(
        None, access(to(OWNER, FOUND)), attachment, data=lambda w: {"version": w.draft.version}
    ),
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
}
