"""A longer password lifetime for some, until a day: the ticket, what it touches, the register and its end (REQ-03)."""
