"""What the services of outages refuse: the same three ways as those of enquiries."""

from requests.enquiries.errors import ChangedMeanwhile, NotAllowed, Refused

__all__ = ["ChangedMeanwhile", "NotAllowed", "Refused"]
