"""The person's own pages, login, help, and the description of the REST interface."""

from __future__ import annotations

from tests.matrix.access import (
    ALL,
    EVERYONE_IN,
    FOUND,
    HIDDEN,
    LOGGED_IN,
    OK,
    OWNER,
    PUBLIC,
    REFUSED,
    Policy,
    access,
    to,
)
from tests.matrix.world import ANONYMOUS, DEACTIVATED

NOBODY_FINDS = access(otherwise=HIDDEN)
GUESTS = frozenset({ANONYMOUS, DEACTIVATED})
REAUTHENTICATE = access(to(LOGGED_IN, REFUSED))  # people without a second factor have nothing to show again
NO_FACTOR_YET = access(to(LOGGED_IN, HIDDEN))
HALF_LOGGED_IN = access(to(ALL, FOUND))  # to the login page: nobody here is half logged in

POLICIES: dict[str, Policy] = {
    "session_extend": Policy(None, access(to(LOGGED_IN, 204))),
    "set_language": Policy(None, access(to(ALL, FOUND))),
    "readiness": Policy(PUBLIC, PUBLIC),
    "help": Policy(PUBLIC, PUBLIC),
    "help_role": Policy(PUBLIC, PUBLIC, lambda w: {"slug": "applicant"}),
    "profile": Policy(EVERYONE_IN, EVERYONE_IN),
    "password_change": Policy(EVERYONE_IN, EVERYONE_IN),
    "initial_password_change": Policy(HALF_LOGGED_IN, HALF_LOGGED_IN),
    "own_address": Policy(EVERYONE_IN, EVERYONE_IN),
    "public_password_change": Policy(PUBLIC, PUBLIC),
    # Before login only: whoever is in is led to their own page, and nobody here has got further than the start.
    "reminder_ask": Policy(
        access(to(LOGGED_IN, FOUND), to(GUESTS, OK)), access(to(LOGGED_IN, FOUND), to(GUESTS, 422))
    ),
    "reminder_code": Policy(HALF_LOGGED_IN, HALF_LOGGED_IN),
    "reminder_factor": Policy(HALF_LOGGED_IN, HALF_LOGGED_IN),
    "reminder_choose": Policy(HALF_LOGGED_IN, HALF_LOGGED_IN),
    "identity_ask": Policy(
        access(to(LOGGED_IN, FOUND), to(GUESTS, OK)),
        access(to(LOGGED_IN, FOUND), to(GUESTS, 422)),
        lambda w: {"purpose": "unlock"},
    ),
    "identity_code": Policy(HALF_LOGGED_IN, HALF_LOGGED_IN, lambda w: {"purpose": "unlock"}),
    "identity_factor": Policy(HALF_LOGGED_IN, HALF_LOGGED_IN, lambda w: {"purpose": "unlock"}),
    "unlock_apply": Policy(HALF_LOGGED_IN, HALF_LOGGED_IN),  # to the first page: nobody here proved anything
    "token_list": Policy(),
    "columns_choose": Policy(None, access(to(LOGGED_IN, FOUND)), lambda w: {"table": "accounts"}),
    "token_create": Policy(access(to(LOGGED_IN, FOUND)), access(to(LOGGED_IN, 422))),
    "token_revoke": Policy(None, access(to(OWNER, FOUND)), lambda w: {"pk": w.token.pk}),
    "account_login": Policy(
        access(to(LOGGED_IN, FOUND), to(GUESTS, OK)), access(to(LOGGED_IN, FOUND), to(GUESTS, OK))
    ),
    "account_logout": Policy(access(to(LOGGED_IN, OK)), access(to(LOGGED_IN, FOUND))),
    "account_inactive": Policy(PUBLIC),
    "account_reauthenticate": Policy(REAUTHENTICATE, REAUTHENTICATE),
    "mfa_index": Policy(),
    "mfa_authenticate": Policy(access(to(LOGGED_IN, FOUND)), access(to(LOGGED_IN, FOUND))),
    "mfa_reauthenticate": Policy(REAUTHENTICATE, REAUTHENTICATE),
    "mfa_activate_totp": Policy(EVERYONE_IN, EVERYONE_IN),
    "mfa_totp_qr": Policy(),
    "mfa_deactivate_totp": Policy(NO_FACTOR_YET, NO_FACTOR_YET),
    "mfa_view_recovery_codes": Policy(NO_FACTOR_YET, None),
    "mfa_generate_recovery_codes": Policy(EVERYONE_IN, EVERYONE_IN),
    "mfa_download_recovery_codes": Policy(NO_FACTOR_YET, NO_FACTOR_YET),
    "mfa_list_webauthn": Policy(),
    "mfa_add_webauthn": Policy(EVERYONE_IN, EVERYONE_IN),
    "mfa_reauthenticate_webauthn": Policy(REAUTHENTICATE, REAUTHENTICATE),
    "mfa_remove_webauthn": Policy(NO_FACTOR_YET, NO_FACTOR_YET, lambda w: {"pk": 1}),
    "mfa_edit_webauthn": Policy(NO_FACTOR_YET, NO_FACTOR_YET, lambda w: {"pk": 1}),
    # The inbox of the mail catcher exists in the embedded set-up only and stands open there.
    "embedded:inbox": Policy(PUBLIC),
    "embedded:mail": Policy(access(to(ALL, HIDDEN)), None, lambda w: {"key": "no-such-mail"}),
    "api_schema": Policy(),
    "api_unknown": Policy(NOBODY_FINDS, NOBODY_FINDS),
}
