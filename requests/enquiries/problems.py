"""What the services of enquiries and outages refuse, as the problem that says it to a program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from portal.common.api.problems import FieldProblem, Problem, invalid, not_allowed
from requests.enquiries.errors import ChangedMeanwhile, NotAllowed, Refused


@contextmanager
def translated() -> Iterator[None]:
    """403 for who may not, 409 for who did not read the newest, 422 with the field for what cannot be taken."""
    try:
        yield
    except NotAllowed as error:
        raise not_allowed(error.reason) from error
    except ChangedMeanwhile as error:
        raise Problem(409, "changed-meanwhile", error.reason) from error
    except Refused as error:
        raise invalid([FieldProblem(error.field, error.reason)], 422) from error
