"""Which operating-system account the servers run under.

An ordinary person's servers run as that person. Root's run under an unprivileged uid, because PostgreSQL refuses root
and because nothing here needs its power. No account is made and no permission of a parent folder is changed: where the
project lies in a folder that only root may enter (such as /root), the servers are given the one capability to *read and
search* such folders and no other power.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

# "nobody" on every Linux: PostgreSQL's initdb wants a uid that has a name.
UNPRIVILEGED_ID = 65534


class AccountError(Exception):
    """The servers cannot be given an account that is able to reach the project; the text says what to do."""


@dataclass(frozen=True)
class Account:
    """An account for child processes. `uid` None means: the account of this process."""

    uid: int | None = None
    gid: int | None = None
    # The command that drops root's rights, when a plain change of uid would not reach the project's folder.
    wrapper: tuple[str, ...] = field(default=())

    def own(self, path: Path) -> None:
        """Give a file or folder that this project made to the account."""
        if self.uid is not None:
            os.chown(path, self.uid, self.gid if self.gid is not None else -1)

    def folder(self, path: Path, mode: int = 0o700) -> Path:
        """Make the folder if it is missing, and give it to the account. Its parents are left as they are."""
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)
        self.own(path)
        return path


CURRENT = Account()


def choose_account(state_dir: Path, *, must_reach: Sequence[Path]) -> Account:
    """The account for servers that keep their data in `state_dir` and need to read and run `must_reach`.

    Raises AccountError when root's servers could not reach the project.
    """
    if os.geteuid() != 0:
        return CURRENT
    uid, gid = _owner(state_dir)
    for capability in ("", "dac_read_search", "dac_override"):
        account = _account(uid, gid, capability)
        if account is not None and all(_reaches(account, path) for path in must_reach):
            return account
    raise AccountError(
        f"The servers must not run as root, and uid {uid} cannot reach {', '.join(map(str, must_reach))}. "
        "Put the project into a folder that others may enter (for example /srv/portal), "
        "or run it as an ordinary user."
    )


def initdb_wrapper() -> tuple[str, ...]:
    """A command prefix for initdb, which refuses a uid without a name (as containers often have)."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        if shutil.which("unshare") is None:
            raise AccountError(
                f"uid {os.geteuid()} has no name in /etc/passwd, which PostgreSQL needs; give it one."
            ) from None
        return "unshare", "--user", f"--map-user={UNPRIVILEGED_ID}", f"--map-group={UNPRIVILEGED_ID}"
    return ()


def _owner(state_dir: Path) -> tuple[int, int]:
    """Whoever owns the data of an earlier start keeps it; else the fixed unprivileged uid."""
    if state_dir.exists() and state_dir.stat().st_uid != 0:
        return state_dir.stat().st_uid, state_dir.stat().st_gid
    return UNPRIVILEGED_ID, UNPRIVILEGED_ID


def _account(uid: int, gid: int, capability: str) -> Account | None:
    if not capability:
        return Account(uid, gid)
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return None
    only = f"-all,+{capability}"
    wrapper = (
        *(setpriv, f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--no-new-privs"),
        *(f"--inh-caps={only}", f"--ambient-caps={only}", f"--bounding-set={only}"),
        # access(2) would ignore the capability for a uid other than 0, and initdb asks with access(2).
        "--securebits=+no_setuid_fixup",
    )
    return Account(uid, gid, wrapper)


@cache
def _reaches(account: Account, path: Path) -> bool:
    question = ["test", "-x" if path.is_dir() or os.access(path, os.X_OK) else "-r", str(path)]
    try:
        if account.wrapper:
            done = subprocess.run([*account.wrapper, *question], capture_output=True, check=False)
        else:
            done = subprocess.run(
                question, user=account.uid, group=account.gid, extra_groups=[], cwd="/", check=False
            )
    except OSError:
        return False
    return done.returncode == 0
