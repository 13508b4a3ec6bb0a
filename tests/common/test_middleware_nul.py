"""A NUL in an address is a bad request everywhere, never a server error."""

import pytest
from django.test import Client


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/recipients/?organisation=%00", "/organisations/%00/", "/?q=a%00b", "/api/v1/accounts/?q=%00"]
)
def test_nul_in_the_address_is_a_bad_request(path: str) -> None:
    assert Client().get(path).status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["sessionid", "csrftoken"])
def test_nul_in_a_cookie_is_a_bad_request(name: str) -> None:
    # Quoted cookies carry any character as three octal digits.
    assert Client().get("/", headers={"cookie": f'{name}="abcdefgh\\000ijkl"'}).status_code == 400
