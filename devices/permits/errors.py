"""What stops a step on a permit."""


class DeviceTaken(Exception):
    """A device with this key got a live permit meanwhile."""


class MachinesUnfit(Exception):
    """Machines that were named are gone, or device control does not cover them any more (DEV-11)."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(names)
        self.names = names


class ValidityOver(Exception):
    """The last day that was applied for has passed before the permit could be entered."""


class PermitEnded(Exception):
    """The permit does not live any more."""


class MoveNotAllowed(Exception):
    """The permit is in another state than the step needs, or somebody else was quicker."""


class NotAllowed(Exception):
    """The person may not take this step; `reason` is a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ReasonNotConfirmed(Exception):
    """Nobody confirmed the reason for writing yet (DEV-03)."""
