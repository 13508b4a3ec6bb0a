"""What the steps of an audit report refuse: the same three answers as enquiries, which are asked from its page."""

from requests.enquiries.errors import ChangedMeanwhile, NotAllowed, Refused

__all__ = ["ChangedMeanwhile", "NotAllowed", "Refused"]
