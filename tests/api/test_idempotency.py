"""`Idempotency-Key`: sent twice, done once, also when both arrive at the same moment."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from portal.common.api.parsing import StrictJSONParser
from portal.common.api.problems import Problem
from portal.orgs.models import User
from portal.workflow.api.idempotency import REPLAYED, once
from portal.workflow.models import IdempotencyKey
from tests import factories

DONE = Response({"number": "A-1"}, status=201, headers={"ETag": '"1"'})


def request_of(key: str | None = "k1", body: Any = None, path: str = "/api/v1/applications/") -> Request:
    headers = {} if key is None else {"HTTP_IDEMPOTENCY_KEY": key}
    plain = APIRequestFactory().post(path, json.dumps(body or {}), content_type="application/json", **headers)
    return Request(plain, parsers=[StrictJSONParser()])


class Work:
    """Counts how often it is done."""

    def __init__(self, problem: Problem | None = None) -> None:
        self.times, self.problem = 0, problem

    def __call__(self) -> Response:
        self.times += 1
        if self.problem:
            raise self.problem
        return DONE


@pytest.mark.django_db
def test_the_same_key_and_body_give_the_same_answer_without_doing_it_again() -> None:
    person, work = factories.user(), Work()
    once(request_of(body={"a": 1, "b": 2}), person, work)

    again = once(request_of(body={"b": 2, "a": 1}), person, work)

    assert work.times == 1
    assert (again.status_code, again.data, again["ETag"], again[REPLAYED]) == (
        201,
        {"number": "A-1"},
        '"1"',
        "true",
    )


@pytest.mark.django_db
def test_the_same_key_for_something_else_is_422() -> None:
    person, work = factories.user(), Work()
    once(request_of(body={"a": 1}), person, work)

    for other in (
        request_of(body={"a": 2}),
        request_of(body={"a": 1}, path="/api/v1/applications/A-1/submit/"),
    ):
        with pytest.raises(Problem) as caught:
            once(other, person, work)
        assert (caught.value.status_code, caught.value.code) == (422, "key-reused")
    assert work.times == 1


@pytest.mark.django_db
def test_a_key_belongs_to_one_person() -> None:
    work = Work()
    once(request_of(), factories.user(), work)

    once(request_of(), factories.user(), work)

    assert work.times == 2


@pytest.mark.django_db
def test_without_a_key_everything_is_done_again() -> None:
    person, work = factories.user(), Work()

    once(request_of(None), person, work)
    once(request_of(None), person, work)

    assert work.times == 2


@pytest.mark.django_db
def test_after_an_error_the_key_may_be_tried_again() -> None:
    person = factories.user()
    with pytest.raises(Problem):
        once(request_of(), person, Work(Problem(422, "invalid", "no")))

    once(request_of(), person, Work())

    assert IdempotencyKey.objects.get().status == 201


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "x" * 101, "日本", "a\tb"])
def test_an_unusable_key_is_400(key: str) -> None:
    with pytest.raises(Problem) as caught:
        once(request_of(key), factories.user(), Work())

    assert caught.value.code == "wrong-idempotency-key"


@pytest.mark.django_db(transaction=True)
def test_what_the_work_wrote_and_its_key_are_kept_or_lost_together() -> None:
    person = factories.user()

    def rename_and_fail() -> Response:
        User.objects.filter(pk=person.pk).update(display_name="changed")
        raise Problem(409, "late", "too late")

    with pytest.raises(Problem):
        once(request_of(), person, rename_and_fail)

    person.refresh_from_db()
    assert person.display_name != "changed"
    assert not IdempotencyKey.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_at_the_same_moment_one_works_and_the_other_is_told() -> None:
    person = factories.user()
    started, go_on = threading.Event(), threading.Event()

    def slow() -> Response:
        started.set()
        assert go_on.wait(10)
        return DONE

    first = _in_thread(lambda: once(request_of(), person, slow))
    assert started.wait(10)
    with pytest.raises(Problem) as caught:
        once(request_of(), person, Work())
    go_on.set()
    first.join(10)

    assert (caught.value.status_code, caught.value.code) == (409, "still-working")
    assert once(request_of(), person, Work())[REPLAYED] == "true"


@pytest.mark.django_db(transaction=True)
def test_the_database_refuses_a_second_row_for_a_key() -> None:
    person = factories.user()
    IdempotencyKey.objects.create(user=person, key="k1", request_digest="x")

    with pytest.raises(Exception, match="idempotency_key_once"), transaction.atomic():
        IdempotencyKey.objects.create(user=person, key="k1", request_digest="y")


def _in_thread(action: Callable[[], Any]) -> threading.Thread:
    def run() -> None:
        try:
            action()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread
