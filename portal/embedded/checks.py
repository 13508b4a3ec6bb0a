"""`make lint`: every check, all of them even when one fails, and the failed ones by name at the end."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from portal.embedded import authority, packages
from portal.embedded.bootstrap import DEV_LOCKS, SetupError, refuse_name_clash

ROOT = Path(__file__).resolve().parent.parent.parent
_BIN = Path(sys.executable).parent

# `check --deploy` looks at the settings, not at the servers: values only have to be there. Files lie in its state folder.
PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "portal.settings.production",
    "SECRET_KEY": "check-only-9f3kd82hf7s0q1mzn4xk6v5b8c2w7e0rt3yu6i9o1p4a",
    "DATABASE_URL": "postgres://portal@localhost/portal",
    "REDIS_URL": "redis://localhost:6379/1",
    "CELERY_BROKER_URL": "redis://localhost:6379/0",
    "ALLOWED_HOSTS": "portal.example.jp",
    "PORTAL_URL": "https://portal.example.jp",
    "SMTP_HOST": "smtp.example.jp",
    "MAIL_FROM": "portal@kokuho.example.jp",
    "AD_LDAP_URLS": "ldaps://dc1.kokuho.pr",
    "AD_TLS_SERVER_NAME": "dc1.kokuho.pr",
    "AD_CA_FILE": "/etc/portal/ad-ca.pem",
    "AD_BASE_DN": "DC=kokuho,DC=pr",
    "AD_DOMAIN": "kokuho.pr",
    "AD_BIND_DN": "CN=svc-portal,OU=Federations,DC=kokuho,DC=pr",
    "AD_BIND_PASSWORD": "check-only",
    "AD_ROOT_OU": "OU=Federations,DC=kokuho,DC=pr",
    "EVIDENCE_SIGNER_SOCKET": "/run/portal-signer/sign.sock",
    "EVIDENCE_PUBLIC_KEYS": "kokuho-network-portal/evidence+90f5fdf0+Af1lTUXA3mPcH5ygKG5SSimBr4SXZZORl8fz7j5VRsKa",
    "DOCUMENT_CERTIFICATE_FILE": f"{{state}}/{authority.SIGNER}",
    "DOCUMENT_ROOTS_FILE": f"{{state}}/{authority.ROOT}",
    "DOCUMENT_TIMESTAMP_URL": "http://tsa.example.jp/",
}


def tool(name: str, *arguments: str) -> Callable[[], bool]:
    """A check that is a program of the virtual environment."""
    return lambda: subprocess.run([_BIN / name, *arguments], cwd=ROOT, check=False).returncode == 0


def manage(*arguments: str, environment: dict[str, str] | None = None) -> Callable[[], bool]:
    """A check that is a management command; {state} in its environment is a folder with certificates."""

    def run() -> bool:
        with tempfile.TemporaryDirectory() as state:
            given = {key: value.replace("{state}", state) for key, value in (environment or {}).items()}
            if given:
                authority.make_certificates(Path(state))
            env = {**os.environ, "PORTAL_STATE_DIR": state, **given}
            command = [sys.executable, "-W", "ignore::RuntimeWarning", "manage.py", *arguments]
            return subprocess.run(command, cwd=ROOT, env=env, check=False).returncode == 0

    return run


def translations() -> bool:
    """Installs gettext where that is possible."""
    packages.ensure(packages.GETTEXT)
    command = [sys.executable, "-m", "portal.embedded.catalogue", "check"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def no_foreign_requests() -> bool:
    """PyPI's package `requests` is in no lock file and not installed."""
    try:
        refuse_name_clash(DEV_LOCKS)
        importlib.metadata.distribution("requests")
    except SetupError as problem:
        print(problem)
        return False
    except importlib.metadata.PackageNotFoundError:
        return True
    print("PyPI's package requests is installed in .venv: remove the folder and run `make setup`.")
    return False


def locks_have_hashes() -> bool:
    """Every pinned package carries at least one hash."""
    fine = True
    for name in DEV_LOCKS:
        blocks = (ROOT / name).read_text().replace("\\\n", " ").splitlines()
        for line in blocks:
            if "==" in line and not line.lstrip().startswith("#") and "--hash=sha256:" not in line:
                print(f"{name}: without a hash: {line.split()[0]}")
                fine = False
    return fine


CHECKS: dict[str, Callable[[], bool]] = {
    "ruff check": tool("ruff", "check", "."),
    "ruff format": tool("ruff", "format", "--check", "."),
    "mypy": tool("mypy"),
    "import-linter": tool("lint-imports"),
    "translations": translations,
    "migrations": manage("makemigrations", "--check", "--dry-run"),
    "deployment settings": manage("check", "--deploy", "--fail-level", "WARNING", environment=PRODUCTION),
    "name clash": no_foreign_requests,
    "lock files": locks_have_hashes,
}


def main(arguments: list[str]) -> int:
    """Run all checks, as many at a time as there are processors, or the one that is named; 1 when any failed."""
    if arguments:
        return 0 if CHECKS[arguments[0]]() else 1
    failed = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        # The one that takes as long as all the others together begins first; each has its place in what is shown.
        begun = {name: pool.submit(_shown, name) for name in sorted(CHECKS, key=lambda name: name != "mypy")}
        for name in CHECKS:
            passed, shown = begun[name].result()
            print(f"== {name}\n{shown}", end="", flush=True)
            if not passed:
                failed.append(name)
    print(f"Failed: {', '.join(failed)}" if failed else "All checks passed.")
    return 1 if failed else 0


def _shown(name: str) -> tuple[bool, str]:
    """Whether a check passed, and all that it says, of a process of its own."""
    command = [sys.executable, "-m", "portal.embedded.checks", name]
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.returncode == 0, done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
