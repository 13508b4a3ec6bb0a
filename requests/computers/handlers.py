"""Carrying out applications about computer objects: look, act, read back, enter (REQ-02, REQ-12)."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from portal.common.time import today
from portal.fulfilment import controllers
from portal.fulfilment.models import Operation
from portal.fulfilment.registry import Done, NeedsPerson, Outcome, Run
from portal.gateways import clock, directory_factory
from portal.gateways.directory import NameTaken
from portal.gateways.directory_computers import ComputerObject as Found
from portal.gateways.directory_computers import NewComputer
from requests.computers import register, work
from requests.computers.places import COMPUTERS, DELETED, container_dn, path_of
from requests.computers.planning import state_words
from requests.computers.work import Stop, Work


class _Handler:
    """What all of them share."""

    def ping(self) -> None:
        """Raise when AD does not answer."""
        directory_factory.get_directory().ping()


class AddHandler(_Handler):
    """Makes one object in advance. Every attempt looks for the marker of its operation before it does anything."""

    def run(self, run: Run) -> Outcome:
        """See portal.fulfilment.registry.Handler."""
        return work.carry_out(lambda: _add(work.work_of(run)))

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """After it was made by hand: enabled, of this name, in the organisation's unit (ACC-12)."""
        return work.carry_out(lambda: _verify_added(work.work_of(run)))

    def recognise(self, run: Run) -> Outcome | None:
        """The object that carries this operation's marker, made by hand from the work sheet (ACC-12)."""
        return work.carry_out(lambda: _recognise(work.work_of(run)))  # type: ignore[arg-type, return-value]

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """What to make by hand."""
        payload = work.payload_of(operation)
        return [
            (f"{_('Computer name')} (sAMAccountName)", f"{payload.name}$"),
            (_("Container"), container_dn(COMPUTERS, operation.organisation)),
            (_("Description"), payload.description or "–"),
            (_("Marker"), str(operation.marker)),
        ]


class RemoveHandler(_Handler):
    """Disables one object and moves it to the organisation's unit for deleted ones; the final removal follows days later."""

    def run(self, run: Run) -> Outcome:
        """See portal.fulfilment.registry.Handler."""
        return work.carry_out(lambda: _delete(work.work_of(run)))

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """After it was done by hand: disabled and moved, or gone (ACC-12)."""
        return work.carry_out(lambda: _finish_deletion(work.work_of(run)))

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """What to do by hand."""
        return [
            (_("Computer name"), work.payload_of(operation).name),
            (_("State"), _("Disable the computer object.")),
            (_("Container"), container_dn(DELETED, operation.organisation)),
        ]


class RestoreHandler(_Handler):
    """Gives one removed object back: first its container, in use last of all."""

    def run(self, run: Run) -> Outcome:
        """See portal.fulfilment.registry.Handler."""
        return work.carry_out(lambda: _restore(work.work_of(run)))

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """After it was done by hand: in its container and as it was (ACC-12)."""
        return work.carry_out(lambda: _finish_restoration(work.work_of(run)))

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """What to do by hand."""
        payload = work.payload_of(operation)
        changes = (operation.line.plan or {}).get("changes", ())
        return [
            (_("Computer name"), payload.name),
            *((_(change["label"]), "、".join(change["after"])) for change in changes),
        ]


# Adding


def _add(job: Work) -> Outcome:
    return _enter_made(job, _ours(job) or _create(job))


def _ours(job: Work) -> Found | None:
    """What an earlier attempt made. Nothing can have been sent before the first one."""
    if job.operation.fence == 1 and "sent_to" not in job.progress:
        return None
    return job.directory.find_computer_by_marker(_marker(job))


def _marker(job: Work) -> str:
    return str(job.operation.marker)


def _create(job: Work) -> Found:
    if (waits := controllers.other_controller(job.run, job.directory)) is not None:
        raise Stop(waits)
    # AD refuses the name of an account only; a host name that somebody else answers to is as good as taken.
    if job.directory.computer_names_in_use([job.name]):
        raise NameTaken("found before writing", attribute="sAMAccountName")
    controllers.note_controller(job.run, job.directory)
    new = NewComputer(
        name=job.name,
        container_dn=container_dn(COMPUTERS, job.organisation),
        marker=_marker(job),
        description=job.payload.description,
    )
    job.run.still_mine()
    try:
        return job.directory.create_computer(new)
    except NameTaken:
        # Our own add may have come through: one whose answer was lost.
        found = job.directory.find_computer_by_marker(_marker(job))
        if found is None:
            raise
        return found


def _enter_made(job: Work, found: Found) -> Outcome:
    """Done only when AD holds what was approved."""
    wanted = [
        (_("Computer name"), found.name.upper(), job.name),
        (_("State"), state_words(found.enabled), state_words(True)),
        (_("Description"), found.description, job.payload.description),
    ]
    if wrong := [each for each in wanted if each[1] != each[2]]:
        return work.differs(wrong)
    if path_of(found.container_dn, job.organisation) in ("", DELETED):
        text = _(
            "The computer object lies outside the organisation's unit now: %(dn)s. Nothing was changed. Find out why, then retry or close."
        )
        return NeedsPerson(code="moved", message=text % {"dn": found.dn})
    register.note_made(line=job.line, found=found, now=clock.now())
    return Done(evidence=work.evidence_of(found))


def _verify_added(job: Work) -> Outcome:
    found = _recognised(job) or next(iter(job.directory.find_computers([job.name])), None)
    if found is None:
        text = _("Active Directory has no computer object of this name.")
        return NeedsPerson(code="computer_missing", message=text)
    return _enter_made(job, found)


def _recognise(job: Work) -> Outcome | None:
    found = _recognised(job)
    return None if found is None else _enter_made(job, found)


def _recognised(job: Work) -> Found | None:
    return job.directory.find_computer_by_marker(_marker(job))


# Removing: the first step


def _delete(job: Work) -> Outcome:
    guid = work.approved_guid(job)
    found = work.require_own(job, guid)
    if found is None:
        return _gone_by_hand(job)
    if "before" not in job.progress:
        if found.name.upper() != job.name:  # perhaps a machine that goes on working under another name
            text = _(
                "The computer object is named %(name)s since the approval. Nothing was changed. Find out whether the machine is still in use, then close this one; if it is to go, have it applied for under its new name."
            )
            raise Stop(NeedsPerson(code="renamed", message=text % {"name": found.name}))
        # Before the first write, so that a restoration knows it whatever happens in between.
        path = path_of(found.container_dn, job.organisation)
        job.run.checkpoint(object_guid=str(guid), before={"container": path, "enabled": found.enabled})
    _refuse_strange_place(job, found)
    if found.enabled:  # the lock first: from then on nothing logs on
        job.run.still_mine()
        job.directory.disable_computer(guid)
    if path_of(found.container_dn, job.organisation) != DELETED:
        job.run.still_mine()
        job.directory.move_computer(guid, container_dn(DELETED, job.organisation))
    return _finish_deletion(job)


def _refuse_strange_place(job: Work, found: Found) -> None:
    """An object that somebody moved since this began is not theirs to lose."""
    before, now = job.progress["before"]["container"], path_of(found.container_dn, job.organisation)
    if now not in (before, DELETED):
        raise Stop(work.differs([(_("Container"), now, before)]))


def _finish_deletion(job: Work) -> Outcome:
    found = work.require_own(job, work.approved_guid(job))
    if found is None:
        return _gone_by_hand(job)
    wanted = [
        (_("State"), state_words(found.enabled), state_words(False)),
        (_("Container"), path_of(found.container_dn, job.organisation), DELETED),
    ]
    if wrong := [each for each in wanted if each[1] != each[2]]:
        return work.differs(wrong)
    row, moment = work.registered(job), clock.now()
    remembered = (row.before_deletion if row else None) or {"container": COMPUTERS, "enabled": True}
    row = register.note_deleted(
        line=job.line,
        found=found,
        before=job.progress.get("before") or remembered,
        remove_on=today(moment) + timedelta(days=settings.COMPUTER_REMOVAL_DAYS),
        now=moment,
    )
    assert row.remove_on is not None
    return Done(evidence=work.evidence_of(found) | {"remove_on": row.remove_on.isoformat()})


def _gone_by_hand(job: Work) -> Outcome:
    """Somebody deleted the object meanwhile: what was applied for is reached, unless the name came back as another object."""
    guid = work.approved_guid(job)
    if others := job.directory.find_computers([job.name]):
        text = _(
            "The object that was approved is gone, and another one of this name is there now: %(dn)s. Nothing was changed. Close this one; if the new object is to go, have it applied for anew."
        )
        return NeedsPerson(code="another_object", message=text % {"dn": others[0].dn})
    register.note_removed(object_guid=guid, now=clock.now(), line=job.line, by_hand=True)
    return Done(evidence={"object_guid": str(guid), "name": job.name, "removed_by_hand": True})


# Restoring


def _restore(job: Work) -> Outcome:
    if "home" not in job.progress:
        from requests.computers.removing import home_of_deleted

        guid, home = home_of_deleted(job)
        job.run.checkpoint(object_guid=str(guid), home=home)
    home, guid = job.progress["home"], work.approved_guid(job)
    found = work.require_own(job, guid)
    if found is None:
        raise Stop(_vanished())
    path = path_of(found.container_dn, job.organisation)
    if path not in (home["container"], DELETED):
        raise Stop(work.differs([(_("Container"), path, home["container"])]))
    if path != home["container"]:
        job.run.still_mine()
        job.directory.move_computer(guid, container_dn(home["container"], job.organisation))
    if home["enabled"] and not found.enabled:
        job.run.still_mine()
        job.directory.enable_computer(guid)
    return _finish_restoration(job)


def _finish_restoration(job: Work) -> Outcome:
    row = work.registered(job)
    home = job.progress.get("home") or (row.before_deletion if row else None)
    if not home:
        text = _("The computer object is not deleted any more. Close this operation.")
        return NeedsPerson(code="not_deleted", message=text)
    found = work.require_own(job, work.approved_guid(job))
    if found is None:
        return _vanished()
    wanted = [
        (_("Container"), path_of(found.container_dn, job.organisation), home["container"]),
        (_("State"), state_words(found.enabled), state_words(bool(home["enabled"]))),
    ]
    if wrong := [each for each in wanted if each[1] != each[2]]:
        return work.differs(wrong)
    register.note_restored(line=job.line, found=found, now=clock.now())
    return Done(evidence=work.evidence_of(found))


def _vanished() -> NeedsPerson:
    text = _(
        "Active Directory does not have the computer object any more, so it cannot be given back. Close this one and have a new object applied for."
    )
    return NeedsPerson(code="removed", message=text)
