"""An object that no application made becomes an account of the register, as a paper that two people signed (ACC-06).

Nothing is written to AD: the object keeps the marker that it has, or none.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime

from django.db.models.functions import Lower
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.attributes import lies_below, organisation_ou, users_container
from accounts.models import DirectoryAccount
from accounts.payloads import RegisterAccount
from accounts.reconciliation.errors import AnswerRefused
from accounts.reconciliation.models import Finding
from accounts.register import RegisterConflict, enter_account
from portal.common.text import search_key
from portal.gateways.directory import DirectoryEntry
from portal.gateways.directory_rules import validate_login_name
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import OrganisationKind, Role
from portal.workflow import kinds, people, records
from portal.workflow.content import content_hash
from portal.workflow.models import Application, ApplicationLine, ApprovalStage, StageStatus, Status
from portal.workflow.numbers import next_number
from portal.workflow.reports import making
from portal.workflow.verbs import Verb

ADOPT = "accounts.adopt"


def adopt(finding: Finding, entry: DirectoryEntry, *, actor: User, now: datetime) -> DirectoryAccount:
    """Enter the object, in the caller's transaction; `actor` confirms what the finding's answerer proposed.

    Raises AnswerRefused.
    """
    organisation = finding.organisation
    payload = require_adoptable(organisation, entry)
    line = _make_paper(finding, payload, entry, actor, now)
    try:
        return enter_account(line=line, payload=payload, entry=entry, now=now)
    except RegisterConflict:
        raise AnswerRefused(_name_taken()) from None


def require_adoptable(organisation: Organisation, entry: DirectoryEntry) -> RegisterAccount:
    """What the register would say of the object. Raises AnswerRefused with what has to be put right in AD first."""
    if entry.privileged:
        raise AnswerRefused(_("The object belongs to a protected group and cannot be adopted."))
    if not lies_below(entry.dn, organisation_ou(organisation)):
        raise AnswerRefused(_("The object does not lie in this organisation's OU any more."))
    if not lies_below(entry.dn, users_container(organisation)):
        raise AnswerRefused(
            _("Only objects in the container %(container)s can be adopted. Move the object there first.")
            % {"container": users_container(organisation)}
        )
    if validate_login_name(entry.login_name):
        raise AnswerRefused(_("The login name does not follow the naming rules. Rename the object first."))
    if not entry.family_name:
        raise AnswerRefused(_("The object has no family name (sn). Enter it in Active Directory first."))
    _require_free_name(entry)
    family_kana, _space, given_kana = entry.kana.partition(" ")
    payload = RegisterAccount(
        family_name=entry.family_name,
        given_name=entry.given_name,
        family_kana=family_kana,
        given_kana=given_kana,
        login_name=entry.login_name,
        department=entry.department,
        recipient_id=0,  # adoption sets no password
        description=entry.description,
        staff_number=entry.staff_number,
        expires_on=entry.account_expires.isoformat() if entry.account_expires else "",
    )
    for name, limit in (("family_name", 40), ("given_name", 40), ("family_kana", 40), ("given_kana", 40)):
        if len(getattr(payload, name)) > limit:
            raise AnswerRefused(_("A name is longer than the register can hold. Shorten it in AD first."))
    return payload


def _require_free_name(entry: DirectoryEntry) -> None:
    """ACC-06: a name that an account had, or that somebody applies for, is not given to another object."""
    folded = entry.login_name.lower()
    taken = DirectoryAccount.system.alias(folded=Lower("login_name")).filter(folded=folded)
    applied_for = ApplicationLine.system.filter(reservation_key=f"login:{folded}", is_open=True)
    if taken.exclude(object_guid=entry.guid).exists() or applied_for.exists():
        raise AnswerRefused(_name_taken())


def _name_taken() -> str:
    return _("The login name belongs to another account or an open application. Rename the object first.")


def _make_paper(
    finding: Finding, payload: RegisterAccount, entry: DirectoryEntry, actor: User, now: datetime
) -> ApplicationLine:
    """The application that this adoption amounts to: applied for by one operator, decided by another (ORG-04)."""
    kind = kinds.get(ADOPT)
    proposer = finding.answered_by
    assert proposer is not None
    data = kind.dump(payload)
    application = Application.system.create(
        number=next_number(kind.number_prefix, now),
        kind=ADOPT,
        organisation=finding.organisation,
        applicant=proposer,
        status=Status.FULFILLING,
        subject=kind.subject(payload)[:200],
        reason=finding.reason,
        line_count=1,
        content_hash=content_hash({"reason": finding.reason, "lines": [data], "object": str(entry.guid)}),
        search_text=search_key(*kind.search_terms(payload), finding.organisation.short_name),
        submitted_at=finding.answered_at,
        decided_at=now,
    )
    line = ApplicationLine.system.create(
        application=application,
        organisation=finding.organisation,
        position=0,
        payload=data,
        payload_version=kind.payload_version,
        subject_key=kind.subject_key(payload),
        subject=kind.subject(payload)[:200],
    )
    ApprovalStage.system.create(
        application=application,
        revision=1,
        position=0,
        label=gettext_noop("Acceptance"),
        role=Role.OPERATOR,
        organisation=people.organisation_of(OrganisationKind.OPERATIONS),
        applicant=proposer,
        status=StageStatus.APPROVED,
        opened_at=finding.answered_at,
        decided_by=actor,
        decided_at=now,
        content_hash=application.content_hash,
    )
    seen = {"object_guid": str(entry.guid), "marker": entry.marker, "content": dataclasses.asdict(payload)}
    records.record(application, Verb.SUBMITTED, actor=proposer, now=now, comment=finding.reason, data=seen)
    records.record(application, Verb.APPROVED, actor=actor, now=now)
    _close(application, line, {"object_guid": str(entry.guid), "marker": entry.marker}, actor, now)
    return line


def _close(
    application: Application, line: ApplicationLine, evidence: dict[str, str], actor: User, now: datetime
) -> None:
    """It ends as it began, with the report that every application ends with (REQ-12)."""
    before = application.status
    application.move_to(Status.COMPLETED)
    application.completed_at = now
    told = records.tell_one(
        application,
        "application_completed",
        application.applicant,
        now,
        outcome=application.status,
        not_done=0,
    )
    adopted = making.entered_by_hand(line, "directory", by=actor, evidence=evidence, now=now)
    making.issue(application, lines=[adopted], notice=told, now=now)
    records.save(application, "status", "completed_at", "report")
    records.record(application, Verb.COMPLETED, actor=None, now=now, from_status=before)
