"""nftables as guard: pairs of MAC and IPv4 address that may pass a bridge (T 2-39), cut or only counted (MAC-04).

The file is one transaction of the kernel: all of it is in force or nothing. The last rule carries the version, so that the
kernel itself says which list it obeys.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from portal.gateways.guard import FileGuard, Form, GuardError, Pair, Proof, Staged, Step, run

TABLE = "kokuho_guard"
CHAIN = "watch"
ALLOWED = "permitted"


def mark(version: int) -> str:
    """The comment of the last rule."""
    return f"whitelist version {version}"


@dataclass
class NftablesGuard(FileGuard):
    """The kernel of this machine, or of the one on which `command` runs nft."""

    command: str = "nft"

    name = "nftables"
    form = Form.NFTABLES
    can_prove = True

    def check(self, staged: Staged) -> None:
        """nft reads the file and throws it away."""
        self._nft(Step.CHECK, "-c", "-f", str(staged.path))

    def activate(self, proof: Proof) -> None:
        """One transaction, then the kernel is asked."""
        self._nft(Step.RELOAD, "-f", str(self.path))
        self.verify(proof)

    def verify(self, proof: Proof) -> None:
        """The rules are those of the version; its pairs are in the set or not, as they must."""
        rules = self._nft(Step.PROBE, "list", "chain", "bridge", TABLE, CHAIN)
        if f'comment "{mark(proof.version)}"' not in rules:
            raise GuardError(Step.PROBE, f"version {proof.version} is not the one in the kernel")
        for expected, pairs in ((True, proof.must_pass), (False, proof.must_fail)):
            for pair in pairs:
                if self.accepts(pair) != expected:
                    wrong = "missing" if expected else "still permitted"
                    raise GuardError(
                        Step.PROBE, f"version {proof.version}: {pair.mac} with {pair.ip} is {wrong}"
                    )

    def accepts(self, pair: Pair) -> bool:
        """Whether the kernel's set holds the pair. Raises GuardError when the set is not there."""
        element = f"{{ {pair.mac} . {pair.ip} }}"
        with contextlib.suppress(GuardError):
            self._nft(Step.PROBE, "get", "element", "bridge", TABLE, ALLOWED, element)
            return True
        self._nft(Step.PROBE, "list", "chain", "bridge", TABLE, CHAIN)  # no answer is not the answer no
        return False

    def _nft(self, step: Step, *arguments: str) -> str:
        words: Sequence[str] = [*shlex.split(self.command), *arguments]
        return run(words, step, self.timeout)
