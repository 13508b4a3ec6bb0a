"""The servers and files that the portal speaks to: mail, directory, DNS, two-factor system, guard, keys. From the environment."""

from __future__ import annotations

from typing import Any

from portal import env
from portal.settings.places import STATE_DIR

# --- Mail: only portal.notices sends -----------------------------------------------------------------------------------
SMTP = {
    "host": env.text("SMTP_HOST", "127.0.0.1"),
    "port": env.number("SMTP_PORT", 25),
    "user": env.text("SMTP_USER"),
    "password": env.text("SMTP_PASSWORD"),
    "security": env.text("SMTP_SECURITY", "none"),
    "timeout": env.number("SMTP_TIMEOUT", 15),
}
DEFAULT_FROM_EMAIL = env.text("MAIL_FROM", "portal@kokuho.example.jp")

# --- Directory: only portal.gateways speaks LDAP ------------------------------------------------------------------------
_base_dn = env.text("AD_BASE_DN", "DC=kokuho,DC=pr")
DIRECTORY = {
    "urls": env.names("AD_LDAP_URLS", "ldaps://127.0.0.1:636"),
    "dc_urls": env.names("AD_DC_URLS"),
    "tls_server_name": env.text("AD_TLS_SERVER_NAME"),
    "ca_file": env.text("AD_CA_FILE"),
    "base_dn": _base_dn,
    "domain": env.text("AD_DOMAIN", "kokuho.pr"),
    "bind_dn": env.text("AD_BIND_DN"),
    "bind_password": env.text("AD_BIND_PASSWORD"),
    "root_ou": env.text("AD_ROOT_OU", f"OU=Federations,{_base_dn}"),
    "marker_attribute": env.text("AD_MARKER_ATTRIBUTE", "employeeNumber"),
    "connect_timeout": env.number("AD_CONNECT_TIMEOUT", 5),
    "receive_timeout": env.number("AD_RECEIVE_TIMEOUT", 15),
}

# --- DNS (REQ-05, docs/adr/0026): zones in the directory above ("ad"), or on servers that take signed updates ("rfc2136") ---------
DNS: dict[str, Any] = {
    "backend": env.text("DNS_BACKEND", "ad"),
    "servers": env.names("DNS_SERVERS"),
    "zones": env.names("DNS_ZONES"),
    "protected": env.names("DNS_PROTECTED_NAMES"),
    "timeout": env.number("DNS_TIMEOUT", 5),
    # For how long servers may go on with the old answer before a person is asked to look at them.
    "proof_seconds": env.number("DNS_PROOF_SECONDS", 1800),
    # With "ad": another account than AD_BIND_DN, with rights on the zones only.
    "bind_dn": env.text("DNS_AD_BIND_DN"),
    "bind_password": env.text("DNS_AD_BIND_PASSWORD"),
    # With "rfc2136": where changes go (the first of DNS_SERVERS unless it is told), and the key.
    "update_server": env.text("DNS_UPDATE_SERVER"),
    "key_name": env.text("DNS_TSIG_NAME"),
    "key_secret": env.text("DNS_TSIG_SECRET"),
    "key_algorithm": env.text("DNS_TSIG_ALGORITHM", "hmac-sha256"),
}

# --- Two-factor system (ACC-05): "" for none, "exchange" for files in a folder, "scim" for SCIM 2.0 (docs/adr/0014) ----------
TWO_FACTOR: dict[str, Any] = {
    "adapter": env.text("TWO_FACTOR_ADAPTER"),
    "folder": env.text("TWO_FACTOR_FOLDER", str(STATE_DIR / "two-factor")),
    "batch_seconds": env.number("TWO_FACTOR_BATCH_SECONDS", 30),
    "batch_rows": env.number("TWO_FACTOR_BATCH_ROWS", 2_000),
    "settle_seconds": env.number("TWO_FACTOR_SETTLE_SECONDS", 5),
    "answer_hours": env.number("TWO_FACTOR_ANSWER_HOURS", 24),
    "keep_days": env.number("TWO_FACTOR_KEEP_DAYS", 7),
    "scim_url": env.text("TWO_FACTOR_SCIM_URL"),
    "scim_token": env.text("TWO_FACTOR_SCIM_TOKEN"),
    "scim_ca_file": env.text("TWO_FACTOR_SCIM_CA_FILE"),
    "connect_timeout": env.number("TWO_FACTOR_CONNECT_TIMEOUT", 5),
    "receive_timeout": env.number("TWO_FACTOR_RECEIVE_TIMEOUT", 15),
}

# --- The guard that keeps unknown machines out (MAC-07); each part is in use when its file is named (docs/adr/0025) -----------
GUARD: dict[str, Any] = {
    # So many seconds after a version, additions alone make the next one. Removals never wait.
    "batch_seconds": env.number("GUARD_BATCH_SECONDS", 10),
    # A list that lost so many percent of its entries, and at least so many, waits for a person.
    "mass_percent": env.number("GUARD_MASS_REMOVAL_PERCENT", 50),
    "mass_entries": env.number("GUARD_MASS_REMOVAL_ENTRIES", 10),
    # A CSV file for a product with an import of its own; {file} in a command is the list to be checked.
    "folder_file": env.text("GUARD_CSV_FILE"),
    "folder_check": env.text("GUARD_CSV_CHECK"),
    "radius_file": env.text("GUARD_RADIUS_FILE"),
    "radius_checked_file": env.text("GUARD_RADIUS_CHECKED_FILE"),
    "radius_check": env.text("GUARD_RADIUS_CHECK"),
    "radius_reload": env.text("GUARD_RADIUS_RELOAD"),
    "radius_server": env.text("GUARD_RADIUS_SERVER", "127.0.0.1:1812"),
    "radius_secret": env.text("GUARD_RADIUS_SECRET"),
    "radius_patience": env.number("GUARD_RADIUS_PATIENCE", 20),
    "nftables_file": env.text("GUARD_NFTABLES_FILE"),
    "nftables_command": env.text("GUARD_NFTABLES_COMMAND", "nft"),
    "nftables_uplinks": env.names("GUARD_NFTABLES_UPLINKS"),
    "nftables_organisations": env.names("GUARD_NFTABLES_ORGANISATIONS"),
}

# --- Continuity: what operations need on a day without the portal (ACC-12) ------------------------------------------------
CONTINUITY: dict[str, Any] = {
    # age public keys ("age1…"); a pack is never written without one. The private key belongs to operations, never here.
    "recipients": env.names("CONTINUITY_RECIPIENTS"),
    "folder": env.text("CONTINUITY_DIR", str(STATE_DIR / "continuity")),
    "keep": env.number("CONTINUITY_KEEP", 14),
    "reserve": env.number("CONTINUITY_RESERVE", 20),
}

# --- Signed documents (AUD-10): the key is named to the process that signs (portal-documents) and to no other ----------------
DOCUMENT_SIGNING_KEY_FILE = env.text("DOCUMENT_SIGNING_KEY_FILE")  # PEM, PKCS#8
DOCUMENT_CERTIFICATE_FILE = env.text("DOCUMENT_CERTIFICATE_FILE")  # PEM: its certificate, then the chain
# PEM: authorities whose signatures and time stamps count
DOCUMENT_ROOTS_FILE = env.text("DOCUMENT_ROOTS_FILE")
# RFC 3161; production wants one. Empty: signed without a time stamp
DOCUMENT_TIMESTAMP_URL = env.text("DOCUMENT_TIMESTAMP_URL")

# --- Evidence (SEC-02): the signing process and the keys whose signatures are believed (docs/adr/0040) ----------------------
EVIDENCE: dict[str, Any] = {
    "socket": env.text("EVIDENCE_SIGNER_SOCKET"),
    "public_keys": env.names("EVIDENCE_PUBLIC_KEYS"),
    # Without a seal for longer, steps that rest on the evidence are refused.
    "fresh_minutes": env.number("EVIDENCE_FRESH_MINUTES", 15),
}
