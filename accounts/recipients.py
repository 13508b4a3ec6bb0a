"""Who may receive an initial password (ACC-08, ACC-09): judged at submission, at decision and again before each mail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from portal.gateways import clock
from portal.orgs.models import Organisation, PasswordRecipient, User, confirmation_time

T = TypeVar("T")


def once(organisation: Organisation, name: str, make: Callable[[], T]) -> T:
    """What all lines of one page share, read once: kept on the organisation object that the page loaded."""
    kept = organisation.__dict__.setdefault("_account_lines", {})
    if name not in kept:
        kept[name] = make()
    return kept[name]  # type: ignore[no-any-return]


def usable(organisation: Organisation) -> QuerySet[PasswordRecipient]:
    """The registered persons of an organisation whose address was confirmed, by name."""
    rows = organisation.password_recipients.filter(
        is_active=True, confirmed_at__gt=clock.now() - confirmation_time()
    )
    return rows.order_by("name", "pk")


def find_usable(organisation: Organisation, recipient_id: int) -> PasswordRecipient | None:
    """That recipient; None also for one of another organisation, whose existence nobody learns here (ORG-02)."""
    return usable(organisation).filter(pk=recipient_id).first()


def judged(organisation: Organisation, recipient_id: int) -> tuple[PasswordRecipient | None, bool]:
    """That recipient and whether the address is shared, read once for all lines of one page. Before a mail: find_usable."""

    def read() -> tuple[PasswordRecipient | None, bool]:
        recipient = find_usable(organisation, recipient_id)
        return recipient, recipient is not None and is_shared(recipient.email)

    return once(organisation, f"recipient {recipient_id}", read)


def judge_together(organisation: Organisation, recipient_ids: Collection[int]) -> list[PasswordRecipient]:
    """Judge these for all lines of one page in two statements; the usable ones of them."""
    found = {recipient.pk: recipient for recipient in usable(organisation).filter(pk__in=recipient_ids)}
    addresses = {recipient.email.lower() for recipient in found.values()}
    people = User.objects.filter(is_active=True).annotate(address=Lower("email"))
    holders = Counter(people.filter(address__in=addresses).values_list("address", flat=True))
    for pk in recipient_ids:
        recipient = found.get(pk)
        shared = recipient is not None and holders[recipient.email.lower()] > 1
        once(organisation, f"recipient {pk}", lambda judgement=(recipient, shared): judgement)  # type: ignore[misc]
    return list(found.values())


def problems(organisation: Organisation, recipient_id: int) -> list[str]:
    """Why no initial password may go there, as far as the database knows; empty when it may."""
    recipient, shared = judged(organisation, recipient_id)
    if recipient is None and is_outdated(organisation, recipient_id):
        return [outdated()]
    if recipient is None:
        return [_("Choose a registered recipient of your organisation whose address was confirmed.")]
    if shared:
        return [
            _("Two registered persons share this address. Choose a recipient with an address of their own.")
        ]
    return []


def is_outdated(organisation: Organisation, recipient_id: int) -> bool:
    """Whether this is a recipient of the organisation who has to confirm the address again (ACC-09)."""

    def read() -> bool:
        row = organisation.password_recipients.filter(pk=recipient_id, is_active=True).first()
        return row is not None and row.is_outdated

    return once(organisation, f"outdated {recipient_id}", read)


def outdated() -> str:
    """What to say about an address that was confirmed too long ago."""
    return _(
        "The recipient's address was confirmed more than six months ago. Have the person confirm it again, or choose another recipient."
    )


def is_shared(email: str) -> bool:
    """Whether more than one person of the portal has this address (ACC-09)."""
    return User.objects.filter(email__iexact=email, is_active=True).count() > 1


def group_address_problem() -> str:
    """What to say about an address that AD knows as a mailing list (ACC-09)."""
    return _("This address is a mailing list. Choose a recipient with an address of their own.")


def options(organisation: Organisation) -> Iterable[tuple[int, str]]:
    """Choices for a select box."""
    return [(recipient.pk, f"{recipient.name} <{recipient.email}>") for recipient in usable(organisation)]
