"""What can stand in the way of a pack."""

from __future__ import annotations


class NotAllowed(Exception):
    """Only operations make and fetch packs."""


class NotConfigured(Exception):
    """No key of operations is set (CONTINUITY_RECIPIENTS), or one that is none: a pack is never written in the clear."""


class FolderUnusable(Exception):
    """The pack could not be written to CONTINUITY_DIR. `reason` is the class of the error."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
