"""Who receives initial passwords (ACC-08, ACC-09): one registered person, one address of their own, confirmed by mail.

The mailed link holds a token that is worked out anew from the row and the secret key whenever it is needed; the row keeps
its SHA-256 only. Following the link changes nothing; the button on the page does: mail scanners follow links too.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from auditlog.models import LogEntry
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from portal.common.text import search_key
from portal.gateways import directory_factory
from portal.gateways.directory import DirectoryError
from portal.orgs import errors, outbox, people
from portal.orgs.models import PasswordRecipient, User, confirmation_time
from portal.trail import services as trail

VALID_FOR = timedelta(days=7)
ASKED_BEFORE = timedelta(days=14)  # so long before a confirmation ends the person is asked to confirm again
_RESEND_AFTER = timedelta(minutes=1)

# Words that name a post or a list rather than a person, alone or set off by a sign or a digit: info@, soumu-ml@, all2@.
_POSTS = [
    "admin",
    "administrator",
    "info",
    "information",
    "support",
    "help",
    "helpdesk",
    "contact",
    "mail",
    "postmaster",
    "webmaster",
    "hostmaster",
    "root",
    "soumu",
    "jimu",
    "jimukyoku",
    "keiri",
    "kanri",
    "kanrisha",
    "joho",
    "jouhou",
    "system",
    "sys",
    "shomu",
    "hoken",
    "kokuho",
    "madoguchi",
    "daihyo",
    "noreply",
    "no-reply",
    "security",
    "abuse",
    "office",
    "staff",
    "user",
    "test",
]
_LISTS = [
    "all",
    "ml",
    "list",
    "lists",
    "group",
    "groups",
    "team",
    "everyone",
    "zenin",
    "member",
    "members",
    "kyoyu",
    "kyouyu",
    "shared",
    "mailinglist",
]
_SEPARATORS = re.compile(r"[._+\-0-9]+")

POST_ADDRESS = _(
    "This looks like the address of a post (such as info or soumu). Enter the person's own address."
)
LIST_ADDRESS = _("This looks like a mailing list or a shared address. Enter the person's own address.")
GROUP_ADDRESS = _("Active Directory knows this address as a group. Enter the person's own address.")
SHARED_ADDRESS = _("Another person has this address. An address belongs to one person only.")


def address_problem(email: str) -> object | None:
    """Why an address cannot be one person's by its looks: the reason, or None."""
    words = {word for word in _SEPARATORS.split(email.rpartition("@")[0].casefold()) if word}
    local = email.rpartition("@")[0].casefold()
    if words & set(_LISTS):
        return LIST_ADDRESS
    if local in _POSTS or (words and words <= set(_POSTS)):
        return POST_ADDRESS
    return None


def register(
    *, actor: User, organisation_id: int, name: str, department: str, phone: str, email: str, now: datetime
) -> PasswordRecipient:
    """Register a person and mail them the link that confirms the address.

    Raises errors.NotAllowed, errors.Refused with the reason at its field, errors.DirectoryOutOfReach (nothing saved).
    """
    people.require_manager(actor, organisation_id)
    problem = address_problem(email) or _shared(email, name)
    if problem is not None:
        raise errors.Refused("email", problem)
    _refuse_group(email)
    try:
        with transaction.atomic():
            recipient = PasswordRecipient.system.create(
                organisation_id=organisation_id,
                name=name,
                department=department,
                phone=phone,
                email=email,
                registered_by=actor,
            )
            _send_link(recipient, now)
            _record("recipient.add", recipient, actor, now)
    except IntegrityError as exc:
        raise errors.Refused("email", SHARED_ADDRESS) from exc
    return recipient


@transaction.atomic
def resend(*, recipient_id: int, actor: User, now: datetime) -> PasswordRecipient:
    """Mail a new link; the one before no longer works.

    Also for an address that has to be confirmed again soon (ACC-09).
    Raises errors.NotAllowed, and errors.Refused when confirmed already, ended, or sent less than a minute ago.
    """
    recipient = PasswordRecipient.system.select_for_update(no_key=True).get(pk=recipient_id)
    people.require_manager(actor, recipient.organisation_id)
    if not recipient.is_active or not needs_confirmation(recipient, now):
        raise errors.Refused("", _("This address needs no confirmation any more."))
    if recipient.confirmation_sent_at is not None and now - recipient.confirmation_sent_at < _RESEND_AFTER:
        raise errors.Refused("", _("The link was sent just now. Wait a minute."))
    _send_link(recipient, now)
    _record("recipient.resend", recipient, actor, now)
    return recipient


@transaction.atomic
def ask_again(*, now: datetime) -> int:
    """Mail the link to everybody whose confirmation ends within 14 days, once a week, and end those who left (ACC-09).

    For the daily job. After the end nothing is mailed any more: the address is not usable, and a manager sends the link.
    """
    end_those_who_left(now=now)
    confirmed_before = now - confirmation_time() + ASKED_BEFORE
    due = PasswordRecipient.system.select_for_update(no_key=True, skip_locked=True).filter(
        is_active=True, confirmed_at__lte=confirmed_before, confirmed_at__gt=now - confirmation_time()
    )
    count = 0
    for recipient in due.exclude(confirmation_sent_at__gt=now - VALID_FOR).order_by("pk"):
        _send_link(recipient, now, "recipient_reconfirmation")
        _record("recipient.ask_again", recipient, None, now)
        count += 1
    return count


def end_those_who_left(*, now: datetime) -> int:
    """End recipients whose person of the portal was shut out or belongs to another organisation now (ACC-09)."""
    gone = User.objects.alias(folded=Lower("email")).filter(folded=Lower(OuterRef("email")))
    gone = gone.filter(Q(is_active=False) | ~Q(organisation=OuterRef("organisation")))
    stays = User.objects.alias(folded=Lower("email")).filter(
        folded=Lower(OuterRef("email")), is_active=True, organisation=OuterRef("organisation")
    )
    rows = PasswordRecipient.system.select_for_update(no_key=True, of=("self",)).filter(
        Exists(gone), ~Exists(stays), is_active=True
    )
    with transaction.atomic():
        ended = [_end(recipient, None, now) for recipient in rows.order_by("pk")]
    return len(ended)


@transaction.atomic
def end(*, recipient_id: int, actor: User, now: datetime) -> PasswordRecipient:
    """No more initial passwords to this person. Ended twice is once. Raises errors.NotAllowed."""
    recipient = PasswordRecipient.system.select_for_update(no_key=True).get(pk=recipient_id)
    people.require_manager(actor, recipient.organisation_id)
    return _end(recipient, actor, now)


def _end(recipient: PasswordRecipient, actor: User | None, now: datetime) -> PasswordRecipient:
    if recipient.is_active:
        recipient.is_active = False
        recipient.confirmation_digest = ""
        recipient.save(update_fields=["is_active", "confirmation_digest", "updated_at"])
        _record("recipient.end", recipient, actor, now)
    return recipient


def find_by_token(token: str, now: datetime) -> PasswordRecipient | None:
    """The recipient whose mailed link this is; None for an unknown, used or old one."""
    return PasswordRecipient.system.filter(
        confirmation_digest=_digest(token),
        is_active=True,
        confirmation_sent_at__gt=now - VALID_FOR,
    ).first()


def needs_confirmation(recipient: PasswordRecipient, now: datetime) -> bool:
    """Whether the address was never confirmed, or must be confirmed again before long (ACC-09)."""
    until = recipient.confirmed_until
    return until is None or until - now <= ASKED_BEFORE


@transaction.atomic
def confirm(*, token: str, now: datetime) -> PasswordRecipient:
    """The person who reads the mailbox says that it is theirs alone. Raises errors.Refused for a link that is no good."""
    found = find_by_token(token, now)
    recipient = found and PasswordRecipient.system.select_for_update(no_key=True).get(pk=found.pk)
    if recipient is None or recipient.confirmation_digest != _digest(token):
        raise errors.Refused("", _("This link is no longer valid. Ask for a new one."))
    recipient.confirmed_at = now
    recipient.confirmation_digest = ""
    recipient.save(update_fields=["confirmed_at", "confirmation_digest", "updated_at"])
    _record("recipient.confirm", recipient, None, now)
    return recipient


def confirmation_url(recipient_id: int) -> str:
    """The address that the mail names, worked out when the mail is made."""
    recipient = PasswordRecipient.system.get(pk=recipient_id)
    return settings.PORTAL_URL + reverse("recipient_confirm", kwargs={"token": _token(recipient)})


def _send_link(recipient: PasswordRecipient, now: datetime, template: str = "recipient_confirmation") -> None:
    recipient.confirmation_sent_at = now
    recipient.confirmation_digest = _digest(_token(recipient))
    recipient.save(update_fields=["confirmation_sent_at", "confirmation_digest", "updated_at"])
    outbox.queue(
        template=template,
        now=now,
        organisation_id=recipient.organisation_id,
        to_address=recipient.email,
        context={"recipient": recipient.pk},
    )


def _token(recipient: PasswordRecipient) -> str:
    sent = recipient.confirmation_sent_at.isoformat() if recipient.confirmation_sent_at else ""
    mac = salted_hmac(
        "portal.orgs.recipients", f"{recipient.pk}\0{recipient.email}\0{sent}", algorithm="sha256"
    )
    return base64.urlsafe_b64encode(mac.digest()).decode().rstrip("=")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _shared(email: str, name: str) -> object | None:
    """ACC-09: one address, one person, over recipients and people of all organisations."""
    if PasswordRecipient.system.filter(email__iexact=email, is_active=True).exists():
        return SHARED_ADDRESS
    names = User.objects.filter(email__iexact=email, is_active=True).values_list("display_name", flat=True)
    return SHARED_ADDRESS if any(_folded(other) != _folded(name) for other in names) else None


@dataclass(frozen=True, kw_only=True)
class AddressHolder:
    """Who has an address: a person with a login name, or a recipient of initial passwords without one."""

    name: str
    login_name: str = ""


def address_holders(emails: Collection[str]) -> dict[str, list[AddressHolder]]:
    """Who has these addresses, by the address in lower case, over all organisations."""
    wanted = [email.lower() for email in emails]
    found: dict[str, list[AddressHolder]] = {}
    people = User.objects.alias(folded=Lower("email")).filter(folded__in=wanted, is_active=True)
    for email, name, login_name in people.values_list("email", "display_name", "login_name"):
        found.setdefault(email.lower(), []).append(AddressHolder(name=name, login_name=login_name))
    registered = PasswordRecipient.system.alias(folded=Lower("email")).filter(
        folded__in=wanted, is_active=True
    )
    for email, name in registered.values_list("email", "name"):
        found.setdefault(email.lower(), []).append(AddressHolder(name=name))
    return found


def person_address_problem(
    email: str, name: str, login_name: str, holders: Sequence[AddressHolder]
) -> object | None:
    """Why a mail address cannot be that of this person alone: by its looks, or because somebody else has it (ACC-09).

    Somebody may be a recipient and have an administrator account with one address of their own; two accounts may not.
    """
    if problem := address_problem(email):
        return problem
    for holder in holders:
        is_other_account = holder.login_name and holder.login_name.lower() != login_name.lower()
        if is_other_account or (not holder.login_name and _folded(holder.name) != _folded(name)):
            return SHARED_ADDRESS
    return None


@dataclass(frozen=True)
class Marks:
    """By what a recipient is known to be one certain person: recipients and people are not tied to one another."""

    addresses: frozenset[str]
    names: frozenset[str]

    def fit(self, recipient: PasswordRecipient) -> bool:
        """Whether this recipient is that person, as far as anybody can tell. Namesakes count: it errs on the safe side."""
        return recipient.email.casefold() in self.addresses or _name_key(recipient.name) in self.names


def marks_of(person: User) -> Marks:
    """Every address and name that a person has or had: whoever has theirs changed still reads the old mailbox (ORG-04)."""
    history = LogEntry.objects.get_for_object(person).filter(changes__has_any_keys=["email", "display_name"])
    emails, names = [person.email], [person.display_name]
    for changes in history.order_by().values_list("changes", flat=True):
        emails += changes.get("email", ())
        names += changes.get("display_name", ())
    return Marks(
        addresses=frozenset(email.casefold() for email in emails if email and email != _NOTHING),
        names=frozenset(_name_key(name) for name in names if name and name != _NOTHING),
    )


_NOTHING = "None"  # how the history writes a value that was not there


def _name_key(name: str) -> str:
    """A name as people recognise it: without spaces, with the common forms of its kanji."""
    return _folded(search_key(name))


def _folded(name: str) -> str:
    return "".join(name.split())


def _refuse_group(email: str) -> None:
    try:
        is_group = directory_factory.get_directory().mail_is_group_address(email)
    except DirectoryError as exc:
        raise errors.DirectoryOutOfReach from exc
    if is_group:
        raise errors.Refused("email", GROUP_ADDRESS)


def _record(action: str, recipient: PasswordRecipient, actor: User | None, now: datetime) -> None:
    trail.record(
        action=action,
        now=now,
        actor=actor,
        object_type="orgs.passwordrecipient",
        object_id=recipient.pk,
        object_label=recipient.name,
        object_organisation_id=recipient.organisation_id,
    )
