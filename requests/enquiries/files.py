"""Files of a message, judged as those of an application are (docs/adr/0007)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from portal.common import files
from portal.common.files import Upload
from requests.enquiries.errors import Refused
from requests.enquiries.models import EnquiryFile, EnquiryFileContent, EnquiryMessage


def check(found: Sequence[Upload]) -> list[tuple[str, str, bytes]]:
    """Name, type and content of each file. Raises Refused at "attachments"."""
    try:
        return files.check(found)
    except files.FileRefused as error:
        raise Refused("attachments", error.reason) from error


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
