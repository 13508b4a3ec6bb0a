"""Acknowledgement files: read when complete, applied once, put away; what is odd about one is written down for operations."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from portal.common.time import today
from portal.fulfilment import services as fulfilment
from portal.gateways.exchange_folder import LARGEST_ANSWER, ExchangeFolder, Incoming
from portal.notices import services as notices
from portal.orgs.models import Membership, User
from portal.orgs.permissions import OrganisationKind, Role
from portal.two_factor import answers
from portal.two_factor.answers import Answer, Problem, Reading
from portal.two_factor.layout import digest
from portal.two_factor.mappings import current_mapping, layout_of
from portal.two_factor.models import (
    ANSWERED,
    AnswerFile,
    BatchState,
    ExchangeBatch,
    ExchangeRow,
    RowState,
)

_HALF_WRITTEN_FOR = timedelta(minutes=10)
_PROBLEMS_KEPT = 200


class KnownFile(Exception):
    """A file with exactly these bytes was read before."""

    def __init__(self, known: AnswerFile) -> None:
        super().__init__(known.name)
        self.known = known


def read_acknowledgements(folder: ExchangeFolder, now: datetime) -> int:
    """Read every complete file that lies in the folder; how many. Raises Unavailable."""
    count = 0
    for file in folder.incoming():
        if now - file.changed_at < timedelta(seconds=int(settings.TWO_FACTOR["settle_seconds"])):
            continue  # still being written, perhaps
        data = folder.read(file)
        if _is_half_written(file, data, now):
            continue
        _take(folder, file, data, now)
        count += 1
    return count


def _is_half_written(file: Incoming, data: bytes, now: datetime) -> bool:
    """A last line without an end: wait for the rest, but not for ever."""
    complete = answers.ends_in_a_line(data, layout_of(current_mapping()).answers)
    return not complete and now - file.changed_at < _HALF_WRITTEN_FOR


def _take(folder: ExchangeFolder, file: Incoming, data: bytes, now: datetime) -> None:
    """Apply a file and put it away. Whoever dies in between: the next one finds it applied and only puts it away."""
    try:
        taken = apply(name=file.name, data=data, now=now)
        rejected = taken.is_rejected
    except KnownFile as error:
        taken, rejected = error.known, True
        if taken.put_away_at is None and taken.name == file.name[-120:]:
            rejected = taken.is_rejected  # we only died before putting it away
        else:
            _note_duplicate(taken, file.name)
    folder.put_away(file.name, rejected=rejected, label=f"{taken.pk}-{now:%Y%m%d%H%M%S}")
    AnswerFile.objects.filter(pk=taken.pk, put_away_at=None).update(put_away_at=now)


def _note_duplicate(known: AnswerFile, name: str) -> None:
    text = _("The file came once more as %(name)s and was not applied again.") % {"name": name[-60:]}
    if [0, text] not in known.problems:
        known.problems = [*known.problems, [0, text]][-_PROBLEMS_KEPT:]
        known.save(update_fields=["problems"])


@transaction.atomic
def apply(*, name: str, data: bytes, now: datetime, uploaded_by: User | None = None) -> AnswerFile:
    """Apply the answers of a file to their rows and wake their operations. Raises KnownFile.

    Bytes that were applied before are not applied again. A line that fits no row, or contradicts what is known, is
    written down and changes nothing: the rest of the file counts.
    """
    sha256 = digest(data)
    known = AnswerFile.objects.filter(sha256=sha256).first()
    if known is not None:
        raise KnownFile(known)
    reading = _read(data)
    file, made = AnswerFile.objects.get_or_create(
        sha256=sha256,
        defaults={
            "name": name[-120:],
            "read_at": now,
            "uploaded_by": uploaded_by,
            "is_rejected": reading.is_unreadable,
            "put_away_at": now if uploaded_by else None,
        },
    )
    if not made:  # another worker in this very moment
        raise KnownFile(file)
    work = _Application(file, now, [*reading.problems])
    work.apply(reading.answers)
    return file


def _read(data: bytes) -> Reading:
    if len(data) > LARGEST_ANSWER:
        return Reading(problems=(Problem(line=0, text=_("The file is too large to be an acknowledgement.")),))
    return answers.read(data, layout_of(current_mapping()).answers)


@dataclass
class _Application:
    """One file being applied, in the caller's transaction."""

    file: AnswerFile
    now: datetime
    problems: list[Problem] = field(default_factory=list)
    changed: list[ExchangeRow] = field(default_factory=list)

    def apply(self, found: tuple[Answer, ...]) -> None:
        """Every answer to its row, the rows locked in one order."""
        references = {answer.reference for answer in found}
        rows = {
            row.reference: row
            for row in ExchangeRow.system.select_for_update(of=("self",), no_key=True)
            .filter(reference__in=references)
            .order_by("id")
        }
        for answer in found:
            self._apply_one(answer, rows.get(answer.reference))
        ExchangeRow.system.bulk_update(
            self.changed, ["state", "answer", "reason", "answered_at"], batch_size=500
        )
        self._finish()

    def _apply_one(self, answer: Answer, row: ExchangeRow | None) -> None:
        if row is None or row.state in (RowState.PENDING, RowState.UNWRITABLE):
            self._odd(answer, _("The portal has written no row with this reference."))
            return
        state = RowState.DONE if answer.done else RowState.REFUSED
        if row.state == state:
            self.file.known_count += 1
            return
        if row.state == RowState.DONE:
            self._odd(answer, _("The row was acknowledged as done before. The refusal is not taken over."))
            return
        if row.state == RowState.REFUSED:
            self._odd(
                answer, _("The row was refused before and is now acknowledged as done. Retry its operation.")
            )
        row.state, row.answer, row.answered_at = state, self.file, self.now
        row.reason = "" if answer.done else answer.reason or _("No reason was given.")
        self.changed.append(row)
        if answer.done:
            self.file.done_count += 1
        else:
            self.file.refused_count += 1

    def _odd(self, answer: Answer, text: str) -> None:
        self.problems.append(Problem(line=answer.line, text=text))

    def _finish(self) -> None:
        self.file.problems = [[p.line, p.text] for p in self.problems[:_PROBLEMS_KEPT]]
        self.file.save(update_fields=["done_count", "refused_count", "known_count", "problems"])
        _close_batches({row.batch_id for row in self.changed}, self.now)
        operations = [row.operation_id for row in self.changed]
        transaction.on_commit(lambda: fulfilment.wake(operations, self.now))
        if self.problems:
            _tell_operators(self.now)


def _close_batches(pks: set[int | None], now: datetime) -> None:
    open_rows = ExchangeRow.system.filter(batch=OuterRef("pk")).exclude(state__in=ANSWERED)
    done = ExchangeBatch.objects.filter(pk__in=[pk for pk in pks if pk], state=BatchState.WRITTEN).exclude(
        Exists(open_rows)
    )
    done.update(state=BatchState.ACKNOWLEDGED, acknowledged_at=now)


def _tell_operators(now: datetime) -> None:
    """Mail network operations that a file needs their eyes; what is wrong stands on the page, not in the mail."""
    rows = Membership.system.valid_on(today(now)).filter(  # type: ignore[attr-defined]
        role=Role.OPERATOR, organisation__kind=OrganisationKind.OPERATIONS, user__is_active=True
    )
    for membership in rows.select_related("user"):
        notices.queue(
            template="exchange_problem",
            now=now,
            organisation_id=membership.organisation_id,
            to_user=membership.user,
        )
