"""FreeRADIUS as guard: a file of permitted addresses, a reload that may be ignored, and a question that tells the truth.

Verified of FreeRADIUS 3.2: a second SIGHUP within five seconds is ignored; after a reload of a broken file it says "No files
changed" to every later one until its main file is touched; a broken file leaves the old list in force, with a line in its
log only. So the reload is repeated until the server answers as the new list says, and each list holds a canary: an address
of the version's own that only the portal's question may use.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import secrets
import socket
import struct
import time
from dataclasses import dataclass

from portal.gateways.guard import FileGuard, Form, GuardError, Pair, Proof, Staged, Step, run

PROBE_NAME = "portal-probe"  # the NAS-Identifier of the portal's questions
_ACCESS_REQUEST, _ACCESS_ACCEPT, _ACCESS_REJECT = 1, 2, 3
_USER_NAME, _SERVICE_TYPE, _CALLING_STATION, _NAS_IDENTIFIER, _MESSAGE_AUTHENTICATOR = 1, 6, 31, 32, 80
_CALL_CHECK = 10
_ANSWER_SECONDS, _TRIES = 0.7, 3
_RELOAD_EVERY, _ASK_EVERY = 0.5, 0.05
_REFUSAL = re.compile(r"^.*(?:Parse error|Failed reading|No such file|Permission denied).*$", re.MULTILINE)


def canary(version: int) -> Pair:
    """The address that belongs to one version of the list; locally administered, so no machine has it."""
    octets = struct.pack(">BBI", 0x02, 0x50, version % 2**32)
    return Pair(mac=octets.hex(":"), ip="0.0.0.0")  # noqa: S104 (no address at all)


def spelled(mac: str) -> str:
    """As FreeRADIUS compares it: upper case with hyphens."""
    return mac.upper().replace(":", "-")


@dataclass
class RadiusGuard(FileGuard):
    """One FreeRADIUS server."""

    reload_command: str = ""
    server: str = "127.0.0.1:1812"
    secret: str = ""
    patience: float = 20.0

    name = "radius"
    form = Form.RADIUS
    can_prove = True

    def check(self, staged: Staged) -> None:
        """FreeRADIUS reads the staged list with its whole configuration; of pages of output the line that matters is told."""
        command = self.check_command.replace("{file}", str(staged.path))
        run(command, Step.CHECK, self.timeout, telling=_REFUSAL)

    def swap(self, staged: Staged) -> None:
        """One rename; the new file is told from the old by its time in whole seconds, so they must differ."""
        with contextlib.suppress(OSError):
            before = int(self.path.stat().st_mtime)
            if int(staged.path.stat().st_mtime) == before:
                os.utime(staged.path, (before + 1, before + 1))
        super().swap(staged)

    def activate(self, proof: Proof) -> None:
        """Reload, ask, and reload again, until it obeys or the patience is over."""
        deadline = time.monotonic() + self.patience
        while True:
            run(self.reload_command, Step.RELOAD, self.timeout)
            again = time.monotonic() + _RELOAD_EVERY
            while True:
                try:
                    return self.verify(proof)
                except GuardError:
                    if time.monotonic() > deadline:
                        raise
                if time.monotonic() > again:
                    break
                time.sleep(_ASK_EVERY)

    def verify(self, proof: Proof) -> None:
        """The version's own address passes, that of the version before does not; so do the others of the proof."""
        must_pass = [canary(proof.version), *proof.must_pass]
        must_fail = [canary(proof.version - 1), *proof.must_fail]
        for expected, pairs in ((True, must_pass), (False, must_fail)):
            for pair in pairs:
                if self.accepts(pair) != expected:
                    wrong = "rejected" if expected else "accepted"
                    raise GuardError(Step.PROBE, f"version {proof.version}: {spelled(pair.mac)} is {wrong}")

    def accepts(self, pair: Pair) -> bool:
        """Ask as a switch asks. Raises GuardError when no answer comes, or one that is not the server's."""
        request, authenticator = _request(pair.mac, self.secret.encode())
        host, _, port = self.server.rpartition(":")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.settimeout(_ANSWER_SECONDS)
            try:
                link.connect((host, int(port)))
                for _try in range(_TRIES):
                    link.send(request)
                    answer = _answer(link)
                    if answer is not None:
                        return _decision(answer, request, authenticator, self.secret.encode())
            except (OSError, ValueError) as error:
                detail = getattr(error, "strerror", None) or type(error).__name__
                raise GuardError(Step.PROBE, f"{self.server}: {detail}") from error
        raise GuardError(Step.PROBE, f"{self.server}: no answer")


def _answer(link: socket.socket) -> bytes | None:
    try:
        return link.recv(4096)
    except TimeoutError:
        return None


def _request(mac: str, secret: bytes) -> tuple[bytes, bytes]:
    """An Access-Request about a MAC address, signed (RFC 2865, RFC 3579), and its authenticator."""
    authenticator = secrets.token_bytes(16)
    attributes = (
        _attribute(_USER_NAME, mac.replace(":", "").encode())
        + _attribute(_SERVICE_TYPE, struct.pack(">I", _CALL_CHECK))
        + _attribute(_CALLING_STATION, spelled(mac).encode())
        + _attribute(_NAS_IDENTIFIER, PROBE_NAME.encode())
    )
    length = 20 + 18 + len(attributes)
    head = struct.pack(">BBH", _ACCESS_REQUEST, os.urandom(1)[0], length) + authenticator
    unsigned = head + _attribute(_MESSAGE_AUTHENTICATOR, bytes(16)) + attributes
    # MD5 is what the protocol has; the link is the machine's own or a network of operations.
    signature = hmac.new(secret, unsigned, "md5").digest()
    return head + _attribute(_MESSAGE_AUTHENTICATOR, signature) + attributes, authenticator


def _attribute(kind: int, value: bytes) -> bytes:
    return bytes((kind, len(value) + 2)) + value


def _decision(answer: bytes, request: bytes, authenticator: bytes, secret: bytes) -> bool:
    """Accept or reject, from an answer that only the holder of the secret can have made."""
    if len(answer) < 20 or answer[1] != request[1]:
        raise GuardError(Step.PROBE, "an answer to another question")
    signed = answer[:4] + authenticator + answer[20:] + secret
    if not hmac.compare_digest(hashlib.md5(signed, usedforsecurity=False).digest(), answer[4:20]):
        raise GuardError(Step.PROBE, "an answer with another secret")
    if answer[0] not in (_ACCESS_ACCEPT, _ACCESS_REJECT):
        raise GuardError(Step.PROBE, f"an answer of kind {answer[0]}")
    return answer[0] == _ACCESS_ACCEPT
