"""Makes the virtual environment and everything else a first start needs. Run by the Makefile with the system's Python.

    python3 portal/embedded/bootstrap.py [--dev]

Standard library only: nothing is installed yet. Each step leaves a stamp, so a later start passes in some milliseconds.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCKS = ("requirements.txt", "requirements-embedded.txt")
DEV_LOCKS = (*LOCKS, "requirements-dev.txt")


class SetupError(Exception):
    """Set-up cannot go on; the text says what to do."""


def main() -> int:
    """Set up; 1 with a plain message when something is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dev", action="store_true", help="also what `make test` and `make lint` need")
    locks = DEV_LOCKS if parser.parse_args().dev else LOCKS
    try:
        if sys.version_info < (3, 11):  # noqa: UP036 - run by whatever Python the machine has
            raise SetupError(
                f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}. Try: make PYTHON=..."
            )
        refuse_name_clash(locks)
        ensure_venv()
        install(locks)
        install_system_packages()
        compile_catalogues()
    except SetupError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def refuse_name_clash(locks: tuple[str, ...]) -> None:
    """The project's own app is called `requests`; PyPI's package of that name must not be installed beside it."""
    for lock in locks:
        if re.search(r"^requests\s*[=@\[]", (ROOT / lock).read_text(), re.MULTILINE | re.IGNORECASE):
            raise SetupError(
                f"{lock} names PyPI's package requests, which would hide this project's app of that name."
            )


def ensure_venv() -> None:
    """Make .venv, or make it anew when its interpreter is gone or too old (a moved folder, an upgraded system)."""
    question = "import sys; sys.exit(sys.version_info < (3, 11) or sys.prefix == sys.base_prefix)"
    try:
        usable = subprocess.run([PYTHON, "-c", question], capture_output=True, check=False).returncode == 0
    except OSError:
        usable = False
    if usable:
        return
    print("Making the virtual environment .venv ...", flush=True)
    if subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=False).returncode == 0:
        return
    # Debian keeps ensurepip in a package of its own.
    if os.geteuid() == 0 and shutil.which("apt-get"):
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        subprocess.run(["apt-get", "-qq", "update"], check=False)
        subprocess.run(["apt-get", "-qq", "-y", "install", "--no-install-recommends", package], check=False)
        if subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=False).returncode == 0:
            return
    raise SetupError(
        "Python cannot make a virtual environment. On Debian, as root: apt-get install python3-venv"
    )


def install(locks: tuple[str, ...]) -> None:
    """Install exactly what the lock files name, checked against their hashes; nothing to do when they did not change."""
    stamps = {lock: VENV / f".installed-{lock}" for lock in locks}
    prints = {lock: hashlib.sha256((ROOT / lock).read_bytes()).hexdigest() for lock in locks}
    if all(stamp.exists() and stamp.read_text() == prints[lock] for lock, stamp in stamps.items()):
        return
    print("Installing Python packages (some minutes the first time) ...", flush=True)
    files = [part for lock in locks for part in ("-r", str(ROOT / lock))]
    command: list[str | Path] = [
        PYTHON,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        *files,
    ]
    if subprocess.run(command, check=False, cwd=ROOT).returncode:
        raise SetupError("The Python packages could not be installed; see the lines above.")
    for lock, stamp in stamps.items():
        stamp.write_text(prints[lock])


def install_system_packages() -> None:
    """What PDF files need (text shaping, a Japanese font): tried once; the portal works without it."""
    stamp = VENV / ".system-packages"
    if not stamp.exists():
        subprocess.run([PYTHON, "-m", "portal.embedded.packages", "pdf"], check=False, cwd=ROOT)
        stamp.touch()


def compile_catalogues() -> None:
    """The translations that Django reads are compiled here and not committed."""
    texts = list(ROOT.glob("locale/*/LC_MESSAGES/*.po"))
    if any(_is_older(text.with_suffix(".mo"), text) for text in texts):
        done = subprocess.run([PYTHON, "-m", "portal.embedded.catalogue", "compile"], check=False, cwd=ROOT)
        if done.returncode:
            raise SetupError("The translations could not be compiled; see the lines above.")


def _is_older(made: Path, source: Path) -> bool:
    return not made.exists() or made.stat().st_mtime < source.stat().st_mtime


if __name__ == "__main__":
    sys.exit(main())
