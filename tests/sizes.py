"""FULL_SIZE=1: the numbers that issues name where fewer prove the rule as well. Minutes longer, so not in every run.

FULL_SIZE=1 make test ARGS="-k 'new_staff or more_candidates'"
"""

from __future__ import annotations

import os

FULL_SIZE = os.environ.get("FULL_SIZE") == "1"
