"""Making the continuity pack, every night and on demand, and letting old ones go (ACC-12)."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from portal.common.time import JST
from portal.continuity import packing, parts, reserve
from portal.continuity.errors import NotAllowed
from portal.continuity.models import ContinuityPack
from portal.orgs.models import User
from portal.orgs.permissions import RUN_OPERATIONS
from portal.trail import services as trail


def make_pack(*, actor: User | None, now: datetime) -> ContinuityPack:
    """Write a pack of what is known now to operations' folder, encrypted to operations' keys; without an actor: the night.

    Nothing of it is kept in the clear or in the database. Raises NotAllowed, NotConfigured, FolderUnusable.
    """
    if actor is not None and not actor.may(RUN_OPERATIONS):
        raise NotAllowed
    recipients = list(settings.CONTINUITY["recipients"])
    packing.encrypt(b"", recipients)  # before any work: a pack is never written in the clear
    reserve.keep_reserve(now)
    with translation.override("ja"):
        sheets = parts.all_sheets(now)
        clear, has_pdf = packing.build_zip(sheets, now)
    data = packing.encrypt(clear, recipients)
    name = f"continuity-{now.astimezone(JST):%Y%m%d-%H%M%S}.zip.age"
    packing.write(folder(), name, data)
    return _record(
        name, data, recipients, {sheet.title: len(sheet.rows) for sheet in sheets}, has_pdf, actor, now
    )


@transaction.atomic
def _record(
    name: str,
    data: bytes,
    recipients: list[str],
    counts: dict[str, int],
    has_pdf: bool,
    actor: User | None,
    now: datetime,
) -> ContinuityPack:
    trigger = ContinuityPack.Trigger.DEMAND if actor else ContinuityPack.Trigger.NIGHTLY
    digest = hashlib.sha256(data).hexdigest()
    pack, _made = ContinuityPack.objects.update_or_create(
        file_name=name,
        defaults={
            "made_at": now,
            "trigger": trigger,
            "made_by": actor,
            "size": len(data),
            "sha256": digest,
            "recipients": recipients,
            "counts": counts,
            "has_pdf": has_pdf,
        },
    )
    trail.record(
        action="continuity.make",
        now=now,
        actor=actor,
        object_type="continuity_pack",
        object_id=pack.pk,
        object_label=name,
        detail={"sha256": digest},
    )
    return pack


def make_nightly(*, now: datetime) -> str:
    """The job of the night: a new pack, and old files go; their rows stay."""
    pack = make_pack(actor=None, now=now)
    removed = remove_old(now)
    text = f"{pack.file_name} ({pack.size // 1024} KB)"
    if removed:
        text += " " + _("Old files removed: %(count)s.") % {"count": removed}
    return text


def remove_old(now: datetime) -> int:
    """Remove the files of all but the newest packs; how many."""
    kept = int(settings.CONTINUITY["keep"])
    old = ContinuityPack.objects.filter(removed_at=None).order_by("-pk")[kept:]
    for pack in old:
        (folder() / pack.file_name).unlink(missing_ok=True)
        pack.removed_at = now
        pack.save(update_fields=["removed_at"])
    return len(old)


def folder() -> Path:
    """Where packs lie: best a share that is reachable while the portal is down."""
    return Path(settings.CONTINUITY["folder"])


def read_file(pack: ContinuityPack) -> bytes | None:
    """The encrypted file; None when it is not there or is not what was written."""
    try:
        data = (folder() / pack.file_name).read_bytes()
    except OSError:
        return None
    return data if hashlib.sha256(data).hexdigest() == pack.sha256 else None
