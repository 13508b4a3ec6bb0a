"""Lists over REST whose reading leaves a trace (SEC-02)."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.common.api.paging import paged
from portal.trail import services as trail


def listed(
    request: Request, rows: QuerySet[Any], serializer: type[serializers.Serializer], action: str
) -> Response:
    """One page of rows that the person may see; what they asked for is recorded as `action`."""
    found = paged(request, rows, serializer)
    actor: Any = request.user
    detail = {"query": request.query_params.dict()}
    trail.record(action=action, now=timezone.now(), actor=actor, detail=detail)
    return Response(found)
