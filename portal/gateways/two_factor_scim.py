"""The second adapter of the two-factor system: SCIM 2.0 (RFC 7643, 7644) over TLS.

A person is found by `externalId`, which is the objectGUID. Each order looks first, writes once, reads back. A lost reply is
OutcomeUnknown: the next attempt finds by externalId what came through. Writes carry the ETag that was read, where the server
has one, so that nothing newer is overwritten.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import httpx
from scim2_client import BaseSyncSCIMClient, RequestNetworkException, SCIMClientException
from scim2_client.client import describe_resource_models
from scim2_models import (
    EnterpriseUser,
    Name,
    SCIMException,
    ScimProvider,
    SearchRequest,
    ServiceProviderConfig,
    User,
)

from portal.gateways.two_factor import (
    AccessRefused,
    Action,
    Applied,
    Conflict,
    NotFound,
    Order,
    OutcomeUnknown,
    Person,
    Receipt,
    Refused,
    TwoFactorError,
    Unavailable,
)

ScimUser = User[EnterpriseUser]
_TAKES_AWAY = frozenset({Action.DISABLE, Action.REMOVE})
# Nothing was applied when the request never arrived whole, or when the server says that it is busy.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_BUSY = frozenset({429, 503})


class _Client(BaseSyncSCIMClient):
    """scim2-client over httpx."""

    def __init__(self, http: httpx.Client, **options: Any) -> None:
        super().__init__(**options)
        self._http = http

    def request(self, method: str, url: str, **kwargs: Any) -> httpx.Response:
        """See the base class."""
        try:
            return self._http.request(method, url, **kwargs)
        except httpx.RequestError as error:
            raise RequestNetworkException from error


class ScimTwoFactor:
    """portal.gateways.two_factor.TwoFactor over SCIM. One object serves all threads."""

    can_be_read = True

    def __init__(
        self,
        url: str,
        *,
        token: str,
        ca_file: str = "",
        connect_timeout: float = 5,
        receive_timeout: float = 15,
    ) -> None:
        self._http = httpx.Client(
            base_url=url.rstrip("/") + "/",
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(receive_timeout, connect=connect_timeout),
            verify=ssl.create_default_context(cafile=ca_file or None),
            follow_redirects=False,  # the token goes to the configured address and nowhere else
            trust_env=False,
        )
        self._local = threading.local()

    def ping(self) -> None:
        """Ask the server what it can do. Raises Unavailable."""
        with _errors(writing=False):
            self._new_client()

    def carry_out(self, order: Order, *, before_write: Callable[[], None]) -> Receipt:
        """See the port."""
        found = self._find(order.person.external_id)
        if not _is_done(order, found):
            before_write()
            self._write(order, found)
            found = self._find(order.person.external_id)
            if not _is_done(order, found):
                raise OutcomeUnknown("the change was not read back", code="not_read_back")
        return Applied(evidence=_evidence(order, found))

    def look(self, order: Order) -> Receipt | None:
        """See the port: reads the server."""
        found = self._find(order.person.external_id)
        return Applied(evidence=_evidence(order, found)) if _is_done(order, found) else None

    def _find(self, external_id: str) -> Any | None:
        """The person with this externalId. Raises Conflict when there are several."""
        with _errors(writing=False):
            search: SearchRequest[Any] = SearchRequest.model_validate(
                {"filter": f'externalId eq "{external_id}"'}
            )
            answer: Any = self._client.query(ScimUser, query_parameters=search)
        people = list(answer.resources or [])
        if len(people) > 1:
            raise Conflict(f"{len(people)} people have the externalId {external_id}", code="ambiguous")
        return people[0] if people else None

    def _write(self, order: Order, found: Any | None) -> None:
        client = self._client
        with _errors(writing=True):
            if order.action == Action.REMOVE:
                client.delete(ScimUser, found)
            elif found is not None:
                client.replace(resource=_filled(found, order.person))
            else:
                self._create(client, order.person)

    def _create(self, client: _Client, person: Person) -> None:
        """Raises SCIMException 409 unless it was our own earlier create that was in the way."""
        try:
            client.create(_filled(ScimUser(external_id=person.external_id), person))
        except SCIMException as error:
            if error.status != 409 or self._find(person.external_id) is None:
                raise

    @property
    def _client(self) -> _Client:
        """This thread's client; what it learns from the server is kept."""
        if not hasattr(self._local, "client"):
            self._local.client = self._new_client()
        client: _Client = self._local.client
        return client

    def _new_client(self) -> _Client:
        models, resource_types = describe_resource_models((ScimUser,))
        client = _Client(self._http, provider=ScimProvider(models=models, resource_types=resource_types))
        config: Any = client.query(ServiceProviderConfig)
        return _Client(
            self._http, provider=ScimProvider(models=models, resource_types=resource_types, config=config)
        )


@cache
def _shared(url: str, token: str, ca_file: str, connect: int, receive: int) -> ScimTwoFactor:
    return ScimTwoFactor(url, token=token, ca_file=ca_file, connect_timeout=connect, receive_timeout=receive)


def scim_two_factor(options: Mapping[str, Any]) -> ScimTwoFactor:
    """The adapter of this process from options like those of `settings.TWO_FACTOR`. Does not connect yet."""
    return _shared(
        options["scim_url"],
        options["scim_token"],
        options["scim_ca_file"],
        options["connect_timeout"],
        options["receive_timeout"],
    )


def _filled(user: Any, person: Person) -> Any:
    """The person as the server shall hold them; what else it holds about them stays."""
    user.user_name = person.login_name
    user.display_name = person.display_name
    name = user.name or Name()
    name.family_name, name.given_name, name.formatted = (
        person.family_name,
        person.given_name,
        person.display_name,
    )
    user.name = name
    user.active = person.enabled
    extension = user[EnterpriseUser] or EnterpriseUser()
    extension.organization, extension.department = person.organisation_name, person.department or None
    user[EnterpriseUser] = extension
    return user


def _is_done(order: Order, found: Any | None) -> bool:
    """Whether the server holds what was ordered. Nobody there is as good as disabled or removed."""
    if found is None:
        return order.action in _TAKES_AWAY
    if order.action == Action.REMOVE:
        return False
    if order.action == Action.DISABLE:
        return found.active is False
    person, name, extension = order.person, found.name or Name(), found[EnterpriseUser] or EnterpriseUser()
    return (
        (found.user_name or "").lower() == person.login_name.lower()
        and (found.display_name or "") == person.display_name
        and (name.family_name or "", name.given_name or "") == (person.family_name, person.given_name)
        and (extension.department or "") == person.department
        and (extension.organization or "") == person.organisation_name
        and (found.active is not False) == person.enabled
    )


def _evidence(order: Order, found: Any | None) -> dict[str, Any]:
    """What was read back; never a secret."""
    if found is None:
        return {"external_id": order.person.external_id, "present": False}
    return {
        "external_id": found.external_id,
        "id": found.id,
        "user_name": found.user_name,
        "active": found.active is not False,
        "version": found.meta.version if found.meta else None,
    }


@contextmanager
def _errors(*, writing: bool) -> Iterator[None]:
    """Whatever the client raises, as an error of the port."""
    try:
        yield
    except RequestNetworkException as error:
        raise _network_error(error.__cause__, writing) from error
    except SCIMException as error:
        raise _error_of_status(int(error.status or 0), str(error.detail or ""), writing) from error
    except SCIMClientException as error:
        status = getattr(getattr(error, "source", None), "status_code", 0)
        if 200 <= status < 300:
            status = 500  # an answer that cannot be read says nothing about what was applied
        raise _error_of_status(status or 500, type(error).__name__, writing) from error


def _network_error(cause: BaseException | None, writing: bool) -> TwoFactorError:
    name = type(cause).__name__
    if isinstance(cause, _NEVER_SENT) or not writing:
        return Unavailable(name, code="unreachable")
    return OutcomeUnknown(name, code="no_answer")


def _error_of_status(status: int, detail: str, writing: bool) -> TwoFactorError:
    code = str(status)
    if status == 401:
        return AccessRefused(detail, code="auth")
    if status == 404:
        return NotFound(detail, code=code)
    if status == 409:
        return Conflict(detail, code=code)
    if status in _BUSY or (status >= 500 and not writing):
        return Unavailable(detail, code=code)
    if status == 412 or status >= 500 or 300 <= status < 400:
        # Changed since we read it, or an error in the middle: look again before anything else.
        return OutcomeUnknown(detail, code=code) if writing else Unavailable(detail, code=code)
    return Refused(detail or code, code=code)
