"""Why a file is not taken. Every reason is a translated sentence that says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from portal.workflow.bulk.models import Upload


class FileRefused(Exception):
    """The file as a whole cannot be read: all reasons that are known."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = list(reasons)


class AlreadyUploaded(Exception):
    """The same file, or one with the same rows, was read before. Uploading it again needs a reason."""

    def __init__(self, earlier: Upload) -> None:
        super().__init__(earlier.sha256)
        self.earlier = earlier
