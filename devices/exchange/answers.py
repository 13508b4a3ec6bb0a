"""What a person says to a finding of the comparison with SKYSEA (DEV-13)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from devices.exchange.errors import AnsweredMeanwhile, AnswerRefused, NotAllowed
from devices.exchange.models import SkyseaFinding
from devices.permits import errors as permit_errors
from devices.permits import services as permits
from portal.orgs.models import User
from portal.orgs.permissions import REGISTER_DEVICES
from portal.trail import services as trail

Kind, Answer, State = SkyseaFinding.Kind, SkyseaFinding.Answer, SkyseaFinding.State
_TO_RECORD = (Kind.NOT_RECORDED, Kind.REMOVAL_NOT_RECORDED)
_MAY_STAY = (Kind.MISSING, Kind.DETAILS)


def answers_to(finding: SkyseaFinding) -> list[str]:
    """What can be said to it. What nobody permitted cannot stay; what was done in SKYSEA can be recorded here."""
    if finding.state != State.OPEN:
        return []
    if finding.kind in _TO_RECORD:
        return [Answer.RECORDED, Answer.CORRECTED]
    return [Answer.CORRECTED, Answer.KEPT] if finding.kind in _MAY_STAY else [Answer.CORRECTED]


@transaction.atomic
def answer_finding(
    *,
    finding_id: int,
    actor: User,
    answer: str,
    reason: str = "",
    digest: str,
    confirms_reason: bool = False,
    now: datetime,
) -> SkyseaFinding:
    """The officer of the federation answers what the person saw (`digest`). If it is there in the next list, it opens again.

    Recording goes through the permit's own step with all its rules (DEV-01, DEV-03). Raises NotAllowed, AnswerRefused,
    AnsweredMeanwhile.
    """
    finding: SkyseaFinding = (
        SkyseaFinding.system.select_for_update(of=("self",)).select_related("device").get(pk=finding_id)
    )
    if not actor.may(REGISTER_DEVICES, finding.organisation_id):
        raise NotAllowed(_("Only the security officer of the organisation answers this."))
    if finding.state != State.OPEN or finding.digest != digest:
        text = _("Somebody answered this meanwhile, or a newer list was read. Look again.")
        raise AnsweredMeanwhile("", text)
    if answer not in answers_to(finding):
        raise AnswerRefused("answer", _("This cannot be said to this finding."))
    if answer == Answer.KEPT and not reason:
        raise AnswerRefused("reason", _("Say why it may stay as it is."))
    if answer == Answer.RECORDED:
        _record_step(finding, actor, reason, confirms_reason, now)
    finding.state, finding.answer, finding.reason = State.ANSWERED, answer, reason
    finding.answered_by, finding.answered_at, finding.closed_at = actor, now, now
    finding.save()
    trail.record(
        action="skysea.answer",
        now=now,
        actor=actor,
        object_type="skysea_finding",
        object_id=finding.pk,
        object_label=finding.title,
        object_organisation_id=finding.organisation_id,
        detail={"kind": finding.kind, "answer": answer},
    )
    return finding


def _record_step(finding: SkyseaFinding, actor: User, note: str, confirms: bool, now: datetime) -> None:
    assert finding.permit_id is not None  # both kinds are about a permit
    try:
        if finding.kind == Kind.NOT_RECORDED:
            permits.record_registered(
                permit_id=finding.permit_id, actor=actor, note=note, confirms_reason=confirms, now=now
            )
        else:
            permits.record_removed(permit_id=finding.permit_id, actor=actor, note=note, now=now)
    except permit_errors.NotAllowed as error:
        raise NotAllowed(error.reason) from error
    except permit_errors.ReasonNotConfirmed as error:
        text = _("Confirm the reason for writing first (T 2-32 no. 1).")
        raise AnswerRefused("confirms_reason", text) from error
    except permit_errors.MoveNotAllowed as error:
        text = _("Somebody else changed this permit meanwhile. Look again.")
        raise AnsweredMeanwhile("", text) from error
