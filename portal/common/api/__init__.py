"""What every endpoint of the REST interface shares: problem responses, strict input, paging, throttling, the schema."""

from portal.common.api.problems import Problem, problem_response
from portal.common.api.views import ApiView

__all__ = ["ApiView", "Problem", "problem_response"]
