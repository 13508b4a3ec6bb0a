"""The staff of the demonstration: who holds which role, with which login. The one place that knows these logins."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils import timezone

from accounts.attributes import organisation_ou
from accounts.demo.names import DEPARTMENTS, Name, draw_name
from accounts.passwords import generate_initial_password
from portal.gateways.directory import BindResult, Directory, DirectoryEntry, NewAccount
from portal.orgs.models import Deputy, Membership, Organisation, PasswordRecipient, User
from portal.orgs.permissions import FEDERATIONS, OrganisationKind, Role

# Known to everybody on purpose: production settings have no demo_data and no demo directory.
PASSWORD = "Demo.Login-2026"  # noqa: S105
SINCE = dt.date(2020, 4, 1)
FIRST_FEDERATIONS = ("13", "27", "40")


@dataclass(frozen=True)
class Post:
    """One demo login: the word in front of the organisation's code, and the role."""

    word: str
    role: str


_FEDERATION_POSTS = (
    Post("shinsei", Role.APPLICANT),
    Post("shonin", Role.APPROVER),
    Post("dairi", Role.APPROVER),
    Post("tanto", Role.SECURITY_OFFICER),
    Post("kanri", Role.SECURITY_MANAGER),
    Post("riyo", Role.USER),
    Post("kansa", Role.AUDITOR),
)
_POSTS: dict[str, tuple[Post, ...]] = {
    OrganisationKind.CENTRAL: (
        Post("shinsei", Role.APPLICANT),
        Post("shonin", Role.APPROVER),
        Post("kakunin", Role.AUDIT_REVIEWER),
        Post("kansa", Role.AUDITOR),
    ),
    OrganisationKind.OPERATIONS: (
        Post("unyo", Role.OPERATOR),
        Post("unyo2", Role.OPERATOR),
        Post("shinsei", Role.APPLICANT),
        Post("shonin", Role.APPROVER),
        Post("kansa", Role.AUDITOR),
    ),
    OrganisationKind.MAINTENANCE: (Post("shinsei", Role.APPLICANT), Post("shonin", Role.APPROVER)),
}
_SUFFIXES = {"central": "-chuo", "operations": "-ops", "maintenance": "-hoshu", "staging": "-stg"}


def posts_of(organisation: Organisation) -> tuple[Post, ...]:
    """The posts that the demonstration fills in an organisation."""
    return _FEDERATION_POSTS if organisation.kind in FEDERATIONS else _POSTS[organisation.kind]


def login_name(post: Post, organisation: Organisation) -> str:
    """For example shinsei13 or unyo-ops."""
    return f"{post.word}{_SUFFIXES.get(organisation.code, organisation.code)}"


def staffed(federations: int) -> list[Organisation]:
    """The organisations that get people: `federations` of the 47, and every other party except the staging federation."""
    codes = [*FIRST_FEDERATIONS, *(f"{n:02}" for n in range(1, 48) if f"{n:02}" not in FIRST_FEDERATIONS)]
    wanted = {*codes[:federations], "central", "operations", "maintenance"}
    return [organisation for organisation in Organisation.objects.all() if organisation.code in wanted]


def hire(organisation: Organisation, directory: Directory | None, dice: random.Random) -> None:
    """Fill the posts of one organisation and register its recipients; what is there already stays."""
    for post in posts_of(organisation):
        name, department = draw_name(dice), dice.choice(DEPARTMENTS)
        login = login_name(post, organisation)
        person = User.objects.filter(login_name=login).first()
        if person is None:
            person = _make_person(login, name, department, organisation)
        if directory is not None:
            _give_login(person, directory)
        Membership.system.get_or_create(
            user=person, organisation=organisation, role=post.role, defaults={"valid_from": SINCE}
        )
    _register_recipients(organisation, dice)
    _appoint_deputy(organisation)


def _make_person(login: str, name: Name, department: str, organisation: Organisation) -> User:
    person = User(
        login_name=login,
        display_name=name.full,
        kana=name.kana,
        department=department,
        email=f"{login}@kokuho.example.jp",
        organisation=organisation,
    )
    person.set_unusable_password()
    person.save()
    return person


def _give_login(person: User, directory: Directory) -> None:
    """An administrator account in AD with the demo password, as its owner would have chosen it."""
    entry = directory.find_by_login_name(person.login_name)
    if entry is None:
        entry = _make_account(person, directory)
    elif directory.authenticate(person.login_name, PASSWORD) is not BindResult.OK:
        initial = generate_initial_password(login_name=person.login_name)
        directory.reset_password(entry.guid, new_password=initial)
        directory.change_password(entry.guid, old_password=initial, new_password=PASSWORD)
    if person.directory_guid != entry.guid:
        person.directory_guid = entry.guid
        person.save(update_fields=["directory_guid", "updated_at"])


def _make_account(person: User, directory: Directory) -> DirectoryEntry:
    family, _, given = person.display_name.partition(" ")
    initial = generate_initial_password(login_name=person.login_name)
    entry = directory.create_account(
        NewAccount(
            login_name=person.login_name,
            display_name=person.display_name,
            family_name=family,
            given_name=given,
            kana=person.kana,
            department=person.department,
            company=person.organisation.name,
            mail=person.email,
            container_dn=f"OU=Administrators,{organisation_ou(person.organisation)}",
            marker=str(person.uid),
        ),
        initial_password=initial,
    )
    directory.change_password(entry.guid, old_password=initial, new_password=PASSWORD)
    return entry


def _register_recipients(organisation: Organisation, dice: random.Random) -> None:
    """Two who can receive initial passwords, and one whose address is not confirmed yet (ACC-09)."""
    if organisation.password_recipients.exists():
        return
    now = timezone.now()
    for number, confirmed in enumerate((True, True, False), start=1):
        name = draw_name(dice)
        PasswordRecipient.system.create(
            organisation=organisation,
            name=name.full,
            department=dice.choice(DEPARTMENTS),
            email=f"{name.romaji}.{name.initial}{number}@{organisation.code}.kokuho.example.jp",
            confirmed_at=now if confirmed else None,
        )


def _appoint_deputy(organisation: Organisation) -> None:
    """In a federation the second approver stands in for the first during the next two weeks."""
    if organisation.kind not in FEDERATIONS:
        return
    principal = User.objects.get(login_name=login_name(Post("shonin", Role.APPROVER), organisation))
    stand_in = User.objects.get(login_name=login_name(Post("tanto", Role.SECURITY_OFFICER), organisation))
    today = timezone.localdate()
    Deputy.system.get_or_create(
        principal=principal,
        deputy=stand_in,
        organisation=organisation,
        role=Role.APPROVER,
        defaults={"valid_from": today, "valid_until": today + dt.timedelta(days=14)},
    )


def logins(*, every: bool) -> Iterator[tuple[str, str, str]]:
    """Login name, role and organisation of the demo people that exist; of one federation only unless `every`."""
    existing = set(User.objects.values_list("login_name", flat=True))
    for organisation in Organisation.objects.exclude(kind=OrganisationKind.STAGING):
        other_federation = organisation.kind in FEDERATIONS and organisation.code != FIRST_FEDERATIONS[0]
        if other_federation and not every:
            continue
        for post in posts_of(organisation):
            name = login_name(post, organisation)
            if name in existing:
                yield name, str(Role(post.role).label), organisation.short_name
