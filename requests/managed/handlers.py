"""Work that only people can do: the portal writes the work sheet, takes the record with its proof, and keeps the register.

There is no interface to the antivirus and monitoring servers, so nothing can be read back: an operation is done with what was
done, when, by whom and what shows it (REQ-12).
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from portal.common.templatetags.portal import msg
from portal.fulfilment.forms import EvidenceForm
from portal.fulfilment.models import Operation
from portal.fulfilment.registry import Done, NeedsPerson, Outcome, Run
from portal.workflow.plans import Plan
from requests.managed import register
from requests.managed.models import Service
from requests.managed.payloads import Action, ManagedLine


class ByHand:
    """Hands every operation to a person and takes the record."""

    record_form = EvidenceForm

    def run(self, run: Run) -> Outcome:
        """The portal never does it itself."""
        text = _("This is done by hand. Take it, work by the work sheet, then record what you did.")
        return NeedsPerson(code="by_hand", message=text)

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """The record is the proof. The register must still stand where the approval saw it."""
        if problem := register.problem_of(run.operation.line):
            text = _("%(problem)s If it was entered otherwise meanwhile, close this one with that reason.")
            return NeedsPerson(code="changed_meanwhile", message=text % {"problem": problem})
        if missing := [name for name in ("done_at", "done_by", "seen") if not recorded.get(name)]:
            text = _("Without day, person and proof it is not recorded as done (%(names)s).")
            return NeedsPerson(code="no_proof", message=text % {"names": ", ".join(missing)})
        return Done(
            evidence={
                "done": recorded["note"],
                "done_at": recorded["done_at"],
                "done_by": recorded["done_by"],
                "seen": recorded["seen"],
            }
        )

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """Where, what, from what to what, and what to mind."""
        line = operation.line
        payload = register.payload_of(line)
        plan = Plan.from_json(line.plan) if line.plan else Plan()
        pairs = [
            (_("What to do"), str(Action(payload.action).label)),
            (_("Where"), self.place_of_work(payload)),
            (_("Machine"), payload.name),
        ]
        for change in plan.changes:
            words = (", ".join(change.before) or "–", ", ".join(change.after) or "–")
            pairs.append((msg(change.label), " → ".join(words)))
        pairs.append((_("To be minded"), self.to_mind(payload)))
        return pairs

    def place_of_work(self, payload: ManagedLine) -> str:
        """The server at which it is done."""
        raise NotImplementedError

    def to_mind(self, payload: ManagedLine) -> str:
        """What whoever does it must know."""
        raise NotImplementedError

    def ping(self) -> None:
        """People are always there."""


class AntivirusByHand(ByHand):
    """Operations add and remove machines on the antivirus server (T 2-49 no. 4)."""

    def place_of_work(self, payload: ManagedLine) -> str:
        """The federation has a server of its own for transmission clients (T 2-47). A removal leaves the kind empty."""
        if payload.action == Action.REMOVE:
            return _("the antivirus server on which the machine is (see the kind of machine)")
        if payload.category == "TRANSMISSION":
            return "連合会都道府県・保険者ウイルス対策サーバ#1"
        return "連合会ウイルス対策サーバ#1"

    def to_mind(self, payload: ManagedLine) -> str:
        """T 2-49 (e)."""
        if payload.action == Action.REMOVE:
            return _("The agent can be uninstalled only with the password. Do not write it down here.")
        return _("Afterwards look whether the machine is shown and has the newest pattern file.")


class MonitoringByHand(ByHand):
    """Federation, operations and maintenance each set up their part; operations record it (T 2-21 no. 3)."""

    def place_of_work(self, payload: ManagedLine) -> str:
        """Servers and network devices have programs of their own (T 2-18)."""
        return "連合会監視サーバ#1（SystemManager G、NetvisorPro V、JP1/IM）"

    def to_mind(self, payload: ManagedLine) -> str:
        """T 2-21 no. 3."""
        if payload.action == Action.REMOVE:
            return _("Stop the monitoring before the machine is switched off, so that nobody is alarmed.")
        return _(
            "Afterwards try whether an error is told. What federation or maintenance set up is recorded here too."
        )


HANDLERS = {Service.ANTIVIRUS: AntivirusByHand(), Service.MONITORING: MonitoringByHand()}
