"""Reading a list of SKYSEA: when devices were used, and what does not fit the register (DEV-13, ADR 0022)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from devices.exchange import telling
from devices.exchange.comparing import Comparison, Difference, Register, compare
from devices.exchange.errors import AlreadyImported, ImportRefused, NotAllowed
from devices.exchange.layout import REGISTER
from devices.exchange.mappings import current_layout
from devices.exchange.models import SkyseaFinding, SkyseaImport
from devices.exchange.reading import EARLIEST, read
from devices.exchange.usage import set_usage
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import FEDERATIONS, REGISTER_DEVICES, RUN_OPERATIONS
from portal.trail import services as trail

State, Answer = SkyseaFinding.State, SkyseaFinding.Answer
_LOCK = 7_205_023


def import_register(
    *,
    organisation: Organisation,
    name: str,
    data: bytes,
    as_of: datetime,
    complete: bool,
    actor: User,
    now: datetime,
) -> SkyseaImport:
    """Read a list for one federation. `complete`: it names every device that SKYSEA has of it.

    The file is read before anything is locked. Raises NotAllowed, FileRefused, ImportRefused, AlreadyImported.
    """
    require(actor, organisation)
    if as_of > now + timedelta(minutes=10):
        raise ImportRefused("as_of", _("The list cannot have been taken in the future."))
    if as_of.year < EARLIEST:
        raise ImportRefused("as_of", _("Enter a date that exists, such as 2026/12/1 or R8.12.1."))
    layout = current_layout()
    lines = read(REGISTER, name, data, layout, moments=("used",))
    with transaction.atomic():
        lock(organisation.pk)
        digest = hashlib.sha256(data).hexdigest()
        read_before = SkyseaImport.system.filter(organisation=organisation).order_by("-as_of")
        # The same bytes taken later are news: nothing changed in SKYSEA until then.
        if earlier := read_before.filter(sha256=digest, as_of=as_of).first():
            raise AlreadyImported(earlier)
        newest = read_before.first()
        with translation.override("ja"):  # the report is read by others than its maker
            compared = compare(
                read=lines,
                register=Register(organisation.pk),
                layout=layout,
                as_of=as_of,
                complete=complete,
                code=organisation.code,
            )
        made: SkyseaImport = SkyseaImport.system.create(
            organisation=organisation,
            file_name=name[:200],
            sha256=digest,
            as_of=as_of,
            complete=complete,
            imported_by=actor,
            imported_at=now,
            row_count=len(lines.lines),
            matched_count=compared.matched,
            usage_count=set_usage(readings=compared.usage, as_of=as_of),
            outdated=newest is not None and newest.as_of > as_of,
            problems=compared.problems,
        )
        if not made.outdated:  # what an older list says of the register is over
            _settle(made, compared, now)
        made.save()
        telling.tell_findings(made, now)
        _record(made, actor, now)
    return made


def require(actor: User, organisation: Organisation) -> None:
    """The security officer of the federation, or operations. Raises NotAllowed."""
    if organisation.kind not in FEDERATIONS:
        raise NotAllowed(_("Only federations have devices in SKYSEA."))
    if not (actor.may(REGISTER_DEVICES, organisation.pk) or actor.may(RUN_OPERATIONS)):
        raise NotAllowed(_("Only the security officer of the organisation or network operations do this."))


def lock(organisation_id: int) -> None:
    """One list of a federation at a time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, organisation_id])


def _settle(made: SkyseaImport, compared: Comparison, now: datetime) -> None:
    """New differences are opened, those that are there still are noted, those that are gone are closed."""
    rows = SkyseaFinding.system.filter(organisation_id=made.organisation_id)
    live = {
        finding.key: finding
        for finding in rows.select_for_update(of=("self",)).filter(state=State.OPEN).order_by("pk")
    }
    answered = {
        finding.key: finding
        for finding in rows.filter(state=State.ANSWERED, key__in=list(compared.found)).order_by("pk")
    }
    for key, difference in compared.found.items():
        if key in live:
            _note_again(live.pop(key), difference, made, now)
            made.same_count += 1
        elif _is_answered(answered.get(key), difference, made.as_of):
            made.same_count += 1
        else:
            said = answered.get(key)
            _open(difference, made, now, again=said is not None and said.answer != Answer.KEPT)
            made.new_count += 1
    for key, finding in live.items():
        subject = key.split(":", 1)[1]
        if subject in compared.named or (made.complete and subject not in compared.unread):
            finding.state, finding.closed_at, finding.last_import = State.GONE, now, made
            finding.save(update_fields=["state", "closed_at", "last_import"])
            made.gone_count += 1


def _is_answered(answered: SkyseaFinding | None, difference: Difference, as_of: datetime) -> bool:
    """Somebody said of exactly this that it may stay, or corrected it after this list was taken."""
    if answered is None or answered.answered_at is None:
        return False
    if answered.answer == Answer.KEPT:
        return answered.digest == difference.digest
    return answered.answered_at >= as_of


def _open(difference: Difference, made: SkyseaImport, now: datetime, *, again: bool) -> None:
    SkyseaFinding.system.create(
        organisation_id=made.organisation_id,
        device=difference.device,
        permit=difference.permit,
        kind=difference.kind,
        key=difference.key,
        again=again,
        first_import=made,
        last_import=made,
        first_seen_at=now,
        last_seen_at=now,
        **_content(difference),
    )


def _note_again(finding: SkyseaFinding, difference: Difference, made: SkyseaImport, now: datetime) -> None:
    finding.last_import, finding.last_seen_at, finding.permit = made, now, difference.permit
    for name, value in _content(difference).items():
        setattr(finding, name, value)
    finding.save()


def _content(difference: Difference) -> Mapping[str, object]:
    return {
        "seen": difference.seen,
        "differences": [
            {"field": name, "here": here, "there": there} for name, here, there in difference.differences
        ],
        "digest": difference.digest,
    }


def _record(made: SkyseaImport, actor: User, now: datetime) -> None:
    trail.record(
        action="skysea.import",
        now=now,
        actor=actor,
        object_type="skysea_import",
        object_id=made.pk,
        object_label=made.file_name,
        object_organisation_id=made.organisation_id,
        detail={
            "rows": made.row_count,
            "complete": made.complete,
            "new": made.new_count,
            "gone": made.gone_count,
            "sha256": made.sha256,
        },
    )
