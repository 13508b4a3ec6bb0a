"""Files of a message, judged as those of an application are (docs/adr/0007)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from django.conf import settings
from django.utils.translation import gettext as _

from portal.workflow.attachments import clean_name, content_type_of
from portal.workflow.errors import InvalidApplication
from requests.enquiries.errors import Refused
from requests.enquiries.models import EnquiryFile, EnquiryFileContent, EnquiryMessage

Upload = tuple[str, bytes]  # name and content


def check(files: Sequence[Upload]) -> list[tuple[str, str, bytes]]:
    """Name, type and content of each file. Raises Refused at "attachments"."""
    if len(files) > settings.ATTACHMENTS_PER_APPLICATION:
        text = _("At most %(count)d files can be attached. Remove one first.")
        raise Refused("attachments", text % {"count": settings.ATTACHMENTS_PER_APPLICATION})
    found = []
    for name, data in files:
        cleaned = clean_name(name)
        try:
            found.append((cleaned, content_type_of(cleaned, data), data))
        except InvalidApplication as error:
            raise Refused("attachments", error.errors["attachments"][0]) from error
    return found


def keep(message: EnquiryMessage, checked: Sequence[tuple[str, str, bytes]]) -> None:
    """Store what `check` found with the message."""
    for name, content_type, data in checked:
        file = EnquiryFile.system.create(
            message=message,
            organisation_id=message.organisation_id,
            name=name,
            content_type=content_type,
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        )
        EnquiryFileContent.objects.create(file=file, data=data)
