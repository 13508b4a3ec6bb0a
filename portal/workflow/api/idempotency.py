"""`Idempotency-Key`: a POST that is sent twice does its work once.

The key's row and the work commit together, so neither a crash nor a race leaves one without the other: a transaction-level
advisory lock lets one request work and tells a simultaneous twin so at once (409), the unique constraint is the second
wall. Only successes are kept. After an error nothing was done, so the same key may be tried again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from portal.common.api.problems import FieldProblem, Problem
from portal.orgs.models import User
from portal.workflow.models import IdempotencyKey

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_KEPT_HEADERS = ("ETag", "Location")


def once(request: Request, actor: User, work: Callable[[], Response]) -> Response:
    """The response of `work`, or the stored response when this person already sent this key with this body.

    Raises Problem 400 for an unusable key, 409 while the first request is still being worked on and 422 when the key was
    used for something else. Whatever `work` raises passes through, and everything it wrote is rolled back.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return work()
    if not (0 < len(key) <= 100 and key.isascii() and key.isprintable()):
        raise Problem(
            400,
            "wrong-idempotency-key",
            _("Give 1 to 100 printable ASCII characters as Idempotency-Key."),
            errors=[FieldProblem(HEADER, _("This key cannot be used."))],
        )
    digest = _digest(request)
    with transaction.atomic():
        _lock(actor, key)
        stored = IdempotencyKey.objects.filter(user=actor, key=key).first()
        if stored is not None:
            return _replay(stored, digest)
        response = work()
        body = {
            "content": json.loads(JSONRenderer().render(response.data)),
            "headers": {name: response[name] for name in _KEPT_HEADERS if response.has_header(name)},
        }
        IdempotencyKey.objects.create(
            user=actor, key=key, request_digest=digest, status=response.status_code, body=body
        )
        return response


def _lock(actor: User, key: str) -> None:
    number = int.from_bytes(hashlib.sha256(f"{actor.pk}:{key}".encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        (locked,) = cursor.fetchone()
    if not locked:
        raise Problem(
            409,
            "still-working",
            _("The first request with this key is still being worked on. Try again later."),
        )


def _replay(stored: IdempotencyKey, digest: str) -> Response:
    if stored.request_digest != digest:
        raise Problem(
            422, "key-reused", _("This Idempotency-Key was already used for another request. Use a new one.")
        )
    body: dict[str, Any] = stored.body or {"content": None, "headers": {}}
    return Response(body["content"], status=stored.status, headers={**body["headers"], REPLAYED: "true"})


def _digest_of_file(file: Any) -> str:
    """A file of a multipart body, which the endpoint still reads from its beginning."""
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    return digest


def _digest(request: Request) -> str:
    """Of what is asked for. If-Match is left out: after a lost reply a client may have read a newer version."""
    content = json.dumps(request.data, sort_keys=True, ensure_ascii=True, default=_digest_of_file)
    return hashlib.sha256(f"{request.method} {request.path}\n{content}".encode()).hexdigest()
