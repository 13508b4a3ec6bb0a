"""GET dormant/ and POST dormant/answers/ (ACC-14)."""

from __future__ import annotations

import pytest

from accounts.dormancy.models import DormantLine
from portal.orgs.permissions import Role
from portal.workflow.models import Application
from tests import factories
from tests.accounts.dormancy.conftest import Office, deletable, directory, line_of, office
from tests.api.client import Api

__all__ = ["deletable", "directory", "office"]  # fixtures


def body(
    line: DormantLine, answer: str = "KEEP", reason: str = "休職中", **values: object
) -> dict[str, object]:
    row = {"id": line.pk, "version": line.version, "answer": answer, "reason": reason} | values
    return {"month": "2026-12", "organisation": "13", "answers": [row]}


def test_own_lines_are_listed_and_filtered(office: Office) -> None:
    office.account("away")
    office.account("other", code="27")
    office.list()
    api = Api(office.applicant)

    found = api.get("dormant/?month=2026-12&answer=open")["results"]

    assert [row["login_name"] for row in found] == ["away"]
    assert found[0]["month"] == "2026-12"
    assert found[0]["last_logon"] is None
    assert found[0]["unconfirmed_by"] == []
    assert api.get("dormant/?month=2026-11")["results"] == []
    assert api.get("dormant/?answer=KEEP")["results"] == []
    assert len(Api(factories.operator()).get("dormant/")["results"]) == 2
    api.get("dormant/?month=December", check=400)
    api.get("dormant/?organisation=27", check=400)
    Api(factories.user(Role.USER)).get("dormant/", check=403)


def test_an_answer_is_taken_and_the_line_comes_back(office: Office) -> None:
    office.account("away")
    line = line_of(office.list(), "away")

    outcome = Api(office.manager).post("dormant/answers/", body(line))[0]

    assert outcome["outcome"] == "answered"
    assert (outcome["line"]["answer"], outcome["line"]["reason"]) == ("KEEP", "休職中")
    assert outcome["line"]["version"] == 2
    late = Api(office.applicant).post("dormant/answers/", body(line, reason="別の理由"))[0]
    assert (late["outcome"], late["line"]["reason"]) == ("changed", "休職中")


@pytest.mark.usefixtures("deletable")
def test_delete_names_the_draft(office: Office) -> None:
    office.account("away")
    line = line_of(office.list(), "away")

    outcome = Api(office.applicant).post("dormant/answers/", body(line, "DELETE", ""))[0]

    assert outcome["line"]["application"] == Application.system.get().number


def test_what_cannot_be_taken_is_a_problem(office: Office) -> None:
    office.account("away")
    line = line_of(office.list(), "away")
    api = Api(office.applicant)

    assert api.post("dormant/answers/", body(line, reason=" "), check=422)["errors"]
    api.post("dormant/answers/", body(line, "PERHAPS"), check=400)
    api.post("dormant/answers/", body(line, colour="red"), check=400)
    api.post("dormant/answers/", body(line) | {"month": "2026-11"}, check=404)
    api.post("dormant/answers/", body(line) | {"organisation": "27"}, check=404)
    api.post("dormant/answers/", body(line) | {"answers": []}, check=400)
    Api(factories.user(Role.APPROVER)).post("dormant/answers/", body(line), check=403)
    line.refresh_from_db()
    assert line.is_open
