"""unicodePwd: the first password, a reset by an administrator, a change by whoever knows the old one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from portal.embedded.directory import failures
from portal.embedded.directory.domain import Domain
from portal.embedded.directory.failures import Refused, policy_refused
from portal.embedded.directory.messages import MODIFY_ADD, MODIFY_DELETE, MODIFY_REPLACE, Change
from portal.embedded.directory.policy import (
    Policy,
    acceptable,
    decode_password,
    hash_password,
    in_history,
    now_ticks,
    verify_password,
)
from portal.embedded.directory.store import Entry


@dataclass(frozen=True)
class PasswordChange:
    """A new password, and for a change by its owner the old one."""

    new: bytes
    old: bytes | None

    @classmethod
    def of(cls, changes: Sequence[Change]) -> PasswordChange | None:
        """The password part of a modify: REPLACE, or DELETE with ADD. None without one."""
        mine = [change for change in changes if change.attribute.lower() == "unicodepwd"]
        if not mine:
            return None
        shape = [change.operation for change in mine]
        if any(len(change.values) != 1 for change in mine):
            raise _malformed()
        if shape == [MODIFY_REPLACE]:
            return cls(mine[0].values[0], None)
        if shape == [MODIFY_DELETE, MODIFY_ADD]:
            return cls(mine[1].values[0], mine[0].values[0])
        raise _malformed()

    def proves_itself(self, changes: Sequence[Change]) -> bool:
        """Whether the modify is nothing but a change with the old password, which needs no further right."""
        return self.old is not None and all(change.attribute.lower() == "unicodepwd" for change in changes)


def initial_password(domain: Domain, entry: Entry, values: list[bytes] | None) -> Entry:
    """A new account with its first password. Raises Refused, and then no account is left behind."""
    if values is None:
        return entry
    if len(values) != 1:
        raise _malformed()
    password = _decoded(values[0])
    if not acceptable(password, entry, domain.policy(entry)):
        raise policy_refused()
    entry.values.setdefault("pwdlastset", [str(now_ticks()).encode()])
    return replace(entry, passwords=(hash_password(password),))


def apply_password(
    domain: Domain, entry: Entry, change: PasswordChange, *, keep_time: bool, mind_history: bool = False
) -> Entry:
    """The account with its new password; `keep_time` when the same modify wrote pwdLastSet itself.

    A reset looks at the history with `mind_history` only (the policy-hints control), as AD does.
    """
    policy = domain.policy(entry)
    new = _decoded(change.new)
    if change.old is not None:
        _check_owner(domain, entry, policy, _decoded(change.old))
        if _too_young(entry, policy) or in_history(new, entry, policy):
            raise policy_refused()
    if mind_history and in_history(new, entry, policy):
        raise policy_refused()
    if not acceptable(new, entry, policy):
        raise policy_refused()
    if not keep_time:
        entry.values["pwdlastset"] = [str(now_ticks()).encode()]
    kept = max(policy.history, 2)
    return replace(entry, passwords=(hash_password(new), *entry.passwords)[:kept])


def _check_owner(domain: Domain, entry: Entry, policy: Policy, old: str) -> None:
    if domain.is_locked(entry, policy):
        raise Refused(failures.CONSTRAINT, "00000775", "the account is locked")
    if not entry.passwords or not verify_password(old, entry.passwords[0]):
        # Counted although the modify is refused: guessing through changes must lock as well.
        current = domain.store.entries[entry.guid]
        domain.count_wrong_password(current, policy)
        raise Refused(failures.CONSTRAINT, "00000056", "the old password is wrong")


def _too_young(entry: Entry, policy: Policy) -> bool:
    set_at = entry.number("pwdlastset")
    return set_at > 0 and now_ticks() - set_at < policy.min_age


def _decoded(value: bytes) -> str:
    password = decode_password(value)
    if password is None:
        raise _malformed()
    return password


def _malformed() -> Refused:
    return Refused(failures.UNWILLING, "00002035", "WILL_NOT_PERFORM (unicodePwd)")
