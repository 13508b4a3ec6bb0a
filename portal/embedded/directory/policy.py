"""Password and lockout policy as AD applies it: the domain's, or that of a password settings object (PSO)."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from portal.embedded.directory.store import Entry, Store

NEVER = 0x7FFFFFFFFFFFFFFF
GLOBAL_GROUP = 0x2
# Cheap on purpose: this directory holds demo people, and an add must take milliseconds.
_ROUNDS = 1000
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_NAME_TOKENS = re.compile(r"[,.\-_\s#]+")


@dataclass(frozen=True)
class Policy:
    """Times in units of 100 ns, as AD keeps them, but positive. A `max_age` of 0 means never."""

    min_length: int
    history: int
    complexity: bool
    min_age: int
    max_age: int
    lockout_threshold: int
    lockout_duration: int
    lockout_window: int


def now_ticks() -> int:
    return (datetime.now(UTC) - _EPOCH) // timedelta(microseconds=1) * 10


def domain_policy(domain: Entry) -> Policy:
    return Policy(
        min_length=domain.number("minpwdlength"),
        history=domain.number("pwdhistorylength"),
        complexity=bool(domain.number("pwdproperties") & 1),
        min_age=-domain.number("minpwdage"),
        max_age=_age(domain.number("maxpwdage")),
        lockout_threshold=domain.number("lockoutthreshold"),
        lockout_duration=-domain.number("lockoutduration"),
        lockout_window=-domain.number("lockoutobservationwindow"),
    )


def _settings_policy(settings: Entry) -> Policy:
    return Policy(
        min_length=settings.number("msds-minimumpasswordlength"),
        history=settings.number("msds-passwordhistorylength"),
        complexity=settings.first("msds-passwordcomplexityenabled") == b"TRUE",
        min_age=-settings.number("msds-minimumpasswordage"),
        max_age=_age(settings.number("msds-maximumpasswordage")),
        lockout_threshold=settings.number("msds-lockoutthreshold"),
        lockout_duration=-settings.number("msds-lockoutduration"),
        lockout_window=-settings.number("msds-lockoutobservationwindow"),
    )


def _age(stored: int) -> int:
    return 0 if stored <= -NEVER or stored == 0 else -stored


def resultant_settings(store: Store, account: Entry) -> Entry | None:
    """The PSO that applies: one linked to the account before one linked to its global groups; lowest first."""
    groups = _global_groups(store, account)
    direct, through_group = [], []
    for settings in store.password_settings():
        targets = {value.decode() for value in settings.values.get("msds-psoappliesto", [])}
        if str(account.guid) in targets:
            direct.append(settings)
        elif targets & {str(group) for group in groups}:
            through_group.append(settings)
    candidates = direct or through_group
    return min(
        candidates,
        key=lambda entry: (entry.number("msds-passwordsettingsprecedence"), entry.guid.bytes_le),
        default=None,
    )


def _global_groups(store: Store, account: Entry) -> set[UUID]:
    """The global groups that hold the account, directly or through others."""
    found: set[UUID] = set()
    waiting = [account.guid]
    while waiting:
        for group in store.groups_of(waiting.pop()):
            if group.number("grouptype") & GLOBAL_GROUP and group.guid not in found:
                found.add(group.guid)
                waiting.append(group.guid)
    return found


def policy_for(store: Store, domain: Entry, account: Entry) -> Policy:
    settings = resultant_settings(store, account)
    return _settings_policy(settings) if settings else domain_policy(domain)


def hash_password(password: str) -> str:
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha256", password.encode("utf-16-le", "surrogatepass"), salt, _ROUNDS)
    return f"{salt.hex()}:{digest.hex()}"


def verify_password(password: str, hashed: str) -> bool:
    salt, _, digest = hashed.partition(":")
    found = hashlib.pbkdf2_hmac(
        "sha256", password.encode("utf-16-le", "surrogatepass"), bytes.fromhex(salt), _ROUNDS
    )
    return hmac.compare_digest(found.hex(), digest)


def decode_password(value: bytes) -> str | None:
    """The password out of unicodePwd: in double quotes, UTF-16LE. None when it is not."""
    try:
        text = value.decode("utf-16-le")
    except UnicodeDecodeError:
        return None
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else None


def acceptable(password: str, account: Entry, policy: Policy) -> bool:
    """Length, and with complexity three of AD's five categories and no part of the names."""
    if len(password) < policy.min_length:
        return False
    return not policy.complexity or (_categories(password) >= 3 and not _holds_name(password, account))


def in_history(password: str, account: Entry, policy: Policy) -> bool:
    return any(verify_password(password, old) for old in account.passwords[: policy.history])


def _categories(password: str) -> int:
    kinds = set()
    for char in password:
        category = unicodedata.category(char)
        if category in ("Lu", "Ll", "Nd"):
            kinds.add(category)
        else:
            # Letters without case, kana for one, are the fifth category.
            kinds.add("other letter" if category.startswith("L") else "symbol")
    return len(kinds)


def _holds_name(password: str, account: Entry) -> bool:
    folded = password.casefold()
    tokens = [account.text("samaccountname"), *_NAME_TOKENS.split(account.text("displayname"))]
    return any(len(token) >= 3 and token.casefold() in folded for token in tokens)
