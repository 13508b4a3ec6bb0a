"""Where the portal's own files lie."""

from __future__ import annotations

from pathlib import Path

from portal import env

ROOT = Path(__file__).resolve().parent.parent.parent
STATE_DIR = Path(env.text("PORTAL_STATE_DIR", str(ROOT / "var")))
