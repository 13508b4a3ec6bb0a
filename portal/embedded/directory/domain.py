"""The domain as a whole: its store, its names, who may do what, and accounts signing in."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from uuid import UUID

from portal.embedded.directory import messages, names
from portal.embedded.directory.failures import BindRefused, Refused, denied
from portal.embedded.directory.policy import (
    NEVER,
    Policy,
    now_ticks,
    policy_for,
    resultant_settings,
    verify_password,
)
from portal.embedded.directory.store import Entry, Store

ACCOUNT_DISABLED, LOCKED_OUT, PASSWORD_NOT_REQUIRED = 0x2, 0x10, 0x20
DONT_EXPIRE_PASSWORD, PASSWORD_EXPIRED = 0x10000, 0x800000
_HOUR = 3600 * 10**7
# lastLogonTimestamp is refreshed only when it is older; Windows takes up to 5 days off at random.
_LOGON_REFRESH = 14 * 24 * _HOUR
# AD takes the password before the last change for this long, so that services can follow.
_OLD_PASSWORD_PERIOD = _HOUR
_CREATABLE = ("user", "computer", "group")
REVERSE_ZONE = "10.in-addr.arpa"


@dataclass
class Domain:
    """Shared by all connections; every use holds `lock`."""

    store: Store
    base_dn: str
    dns_name: str
    root_ou: str
    services_ou: str
    lock: threading.RLock = field(default_factory=threading.RLock)
    without_controls: frozenset[str] = frozenset()

    @property
    def controls(self) -> frozenset[str]:
        """The controls that this server knows."""
        return messages.SUPPORTED_CONTROLS - self.without_controls

    @property
    def head(self) -> Entry:
        found = self.store.by_dn(self.base_dn)
        assert found is not None, "the domain is not seeded"
        return found

    @property
    def controller_dn(self) -> str:
        """The object that stands for this server; its invocationId names the database."""
        site = f"CN=Servers,CN=Default-First-Site-Name,CN=Sites,CN=Configuration,{self.base_dn}"
        return f"CN=NTDS Settings,CN=DC1,{site}"

    @property
    def zones_dn(self) -> str:
        """The partition that holds the DNS zones of the domain."""
        return f"DC=DomainDnsZones,{self.base_dn}"

    def policy(self, account: Entry) -> Policy:
        return policy_for(self.store, self.head, account)

    # Who may do what

    def is_administrator(self, identity: UUID | None) -> bool:
        if identity is None:
            return False
        admins = names.key(f"CN=Domain Admins,CN=Users,{self.base_dn}")
        return any(group.key == admins for group in self.store.groups_of(identity))

    def _is_delegate(self, identity: UUID | None) -> bool:
        account = self.store.entries.get(identity) if identity else None
        return account is not None and names.is_below(account.key, names.key(self.services_ou))

    def _may_name(self, identity: UUID | None, zone_key: str) -> bool:
        """Whether the identity may write names of a zone: the service account those of the domain's zones."""
        zones = [f"DC={name},CN=MicrosoftDNS,{self.zones_dn}" for name in (self.dns_name, REVERSE_ZONE)]
        return self._is_delegate(identity) and zone_key in map(names.key, zones)

    @property
    def password_settings_dn(self) -> str:
        """The container of all PSOs."""
        return f"CN=Password Settings Container,CN=System,{self.base_dn}"

    def check_write(self, identity: UUID | None, target: Entry) -> None:
        """Raise unless the identity may change or delete this object."""
        if identity is None:
            raise Refused(1, "000004DC", "In order to perform this operation a bind must be completed")
        if self.is_administrator(identity):
            return
        if target.is_a("dnsnode") and self._may_name(identity, names.key(names.parent(target.dn))):
            return
        if target.is_a("msds-passwordsettings") and self._is_delegate(identity):
            return
        inside = names.is_below(target.key, names.key(self.root_ou))
        delegated = any(target.is_a(kind) for kind in _CREATABLE)
        protected = target.number("admincount") == 1
        if not (self._is_delegate(identity) and inside and delegated and not protected):
            raise denied()

    def check_create(self, identity: UUID | None, parent: Entry, classes: list[str]) -> None:
        """Raise unless the identity may add an object of these classes below the parent."""
        if identity is None:
            raise Refused(1, "000004DC", "In order to perform this operation a bind must be completed")
        if self.is_administrator(identity):
            return
        if "dnsnode" in classes and self._may_name(identity, parent.key):
            return
        settings = parent.key == names.key(self.password_settings_dn) and "msds-passwordsettings" in classes
        if settings and self._is_delegate(identity):
            return
        root = names.key(self.root_ou)
        inside = parent.key == root or names.is_below(parent.key, root)
        if not (self._is_delegate(identity) and inside and set(classes) & set(_CREATABLE)):
            raise denied()

    # Signing in

    def bind(self, name: str, password: bytes) -> UUID | None:
        """The account that signs in; None for an anonymous bind. Raises BindRefused with AD's sub-code."""
        if not password:
            # As AD does: a name without a password is an anonymous bind, and a success.
            return None
        account = self._find_account(name)
        if account is None:
            raise BindRefused("52e")
        policy = self.policy(account)
        if self.is_locked(account, policy):
            raise BindRefused("775")
        if not self._password_matches(account, password):
            self.count_wrong_password(account, policy)
            raise BindRefused("52e")
        self._check_usable(account, policy)
        self._note_logon(account)
        return account.guid

    def _find_account(self, name: str) -> Entry | None:
        found: Entry | None = None
        if "=" in name:
            found = self.store.by_dn(name)
        else:
            login_name = name.rpartition("\\")[2]
            user, _, domain = name.partition("@")
            candidates = [*self.store.equal("userprincipalname", name)]
            if domain.lower() == self.dns_name.lower():
                login_name = user
            if not candidates:
                candidates = [*self.store.equal("samaccountname", login_name)]
            found = next((entry for entry in candidates if not entry.deleted), None)
        return found if found is not None and found.is_a("user") and not found.deleted else None

    def _password_matches(self, account: Entry, password: bytes) -> bool:
        try:
            text = password.decode()
        except UnicodeDecodeError:
            return False
        recent = now_ticks() - account.number("pwdlastset") < _OLD_PASSWORD_PERIOD
        accepted = account.passwords[: 2 if recent else 1]
        return any(verify_password(text, hashed) for hashed in accepted)

    def _check_usable(self, account: Entry, policy: Policy) -> None:
        control = account.number("useraccountcontrol")
        if control & ACCOUNT_DISABLED:
            raise BindRefused("533")
        expires = account.number("accountexpires")
        if 0 < expires < NEVER and expires <= now_ticks():
            raise BindRefused("701")
        if account.number("pwdlastset") == 0 and not control & DONT_EXPIRE_PASSWORD:
            raise BindRefused("773")
        if self.password_expiry(account, policy) <= now_ticks():
            raise BindRefused("532")

    def _note_logon(self, account: Entry) -> None:
        now = now_ticks()
        stale = now - account.number("lastlogontimestamp") > _LOGON_REFRESH
        if not stale and not account.number("badpwdcount"):
            return
        changed = account.changed()
        changed.values["badpwdcount"] = [b"0"]
        if stale:
            changed.values["lastlogontimestamp"] = [str(now).encode()]
        self.store.put(changed)

    def count_wrong_password(self, account: Entry, policy: Policy) -> None:
        """Note a wrong password; lock the account when it was one too many."""
        now = now_ticks()
        fresh = now - account.number("badpasswordtime") <= policy.lockout_window
        count = (account.number("badpwdcount") if fresh else 0) + 1
        changed = account.changed()
        changed.values["badpwdcount"] = [str(count).encode()]
        changed.values["badpasswordtime"] = [str(now).encode()]
        if policy.lockout_threshold and count >= policy.lockout_threshold:
            changed.values["lockouttime"] = [str(now).encode()]
        self.store.put(changed)

    def is_locked(self, account: Entry, policy: Policy) -> bool:
        locked_at = account.number("lockouttime")
        return locked_at > 0 and (
            policy.lockout_duration == 0 or now_ticks() < locked_at + policy.lockout_duration
        )

    # What AD works out when it is asked

    def password_expiry(self, account: Entry, policy: Policy) -> int:
        if account.number("useraccountcontrol") & DONT_EXPIRE_PASSWORD or policy.max_age == 0:
            return NEVER
        set_at = account.number("pwdlastset")
        return set_at + policy.max_age if set_at else 0

    def computed_control(self, account: Entry, policy: Policy) -> int:
        expired = self.password_expiry(account, policy) <= now_ticks()
        locked = self.is_locked(account, policy)
        return (LOCKED_OUT if locked else 0) | (PASSWORD_EXPIRED if expired else 0)

    def resultant_settings_dn(self, account: Entry) -> str:
        settings = resultant_settings(self.store, account)
        return settings.dn if settings else ""


def make_domain_policy() -> dict[str, str]:
    """The policy that a new domain gets (ACC-07): 8 characters, 1 day, 90 days; locked after 5, for 30 minutes."""
    day, minute = 24 * _HOUR, 60 * 10**7
    return {
        "minPwdLength": "8",
        "minPwdAge": str(-day),
        "maxPwdAge": str(-90 * day),
        "pwdProperties": "1",
        "pwdHistoryLength": "24",
        "lockoutThreshold": "5",
        "lockoutDuration": str(-30 * minute),
        "lockOutObservationWindow": str(-30 * minute),
    }
