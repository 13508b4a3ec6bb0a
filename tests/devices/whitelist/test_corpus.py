"""One table of wrong rows, through the service, the form, REST and the workbook; and the dry run never lies (MAC-06)."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from django.utils import timezone, translation

from devices.whitelist.checks import check_line
from devices.whitelist.forms import WhitelistForm
from devices.whitelist.models import WhitelistEntry
from portal.workflow import kinds
from portal.workflow.content import check_lines
from portal.workflow.errors import InvalidApplication
from portal.workflow.kinds import LineContext
from portal.workflow.models import Status
from tests import factories
from tests.api.client import Api
from tests.devices import world
from tests.devices.test_bulk import upload
from tests.devices.whitelist import corpus
from tests.devices.whitelist.corpus import CORPUS, KIND, Country, Wrong
from tests.devices.world import Cast

pytestmark = pytest.mark.django_db

Said = Mapping[str, Sequence[str]]


@pytest.fixture
def cast(country: Country) -> Cast:
    return country.cast


@pytest.fixture(autouse=True)
def japanese() -> Any:
    with translation.override("ja"):
        yield


def context_of(cast: Cast) -> LineContext:
    return LineContext(
        organisation=factories.organisation(cast.code),
        actor=cast.applicant,
        application=None,
        today=timezone.localdate(),
    )


def require(wrong: Wrong, errors: Said) -> None:
    assert wrong.field in errors, (wrong, errors)
    assert re.search(re.escape(wrong.said), " ".join(errors[wrong.field])), (wrong, errors)


def by_line(errors: Mapping[str, Sequence[str]], separator: str) -> dict[int, dict[str, list[str]]]:
    found: dict[int, dict[str, list[str]]] = {}
    for path, texts in errors.items():
        parts = path.strip(separator).split(separator)
        found.setdefault(int(parts[1]), {})[parts[2] if len(parts) > 2 else ""] = list(texts)
    return found


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(CORPUS) >= 40


def test_the_form_with_the_check_of_the_kind_says_what_is_wrong(country: Country) -> None:
    for wrong in CORPUS:
        context = context_of(country.cast)
        form = WhitelistForm(data=corpus.row(**wrong.values), context=context)
        errors: dict[str, list[str]] = {n: [str(t) for t in texts] for n, texts in form.errors.items()}
        if not errors:
            errors = {n: list(texts) for n, texts in check_line(context, form.to_payload()).items()}

        require(wrong, errors)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [("００-1b-a9-ff-00-01", "00:1B:A9:FF:00:01"), ("00-1b-a9-ff-00-zz", "00-1b-a9-ff-00-zz")],
)
def test_mac06_another_spelling_is_no_correction_and_what_is_no_address_stays_as_typed(
    country: Country, typed: str, shown: str
) -> None:
    form = WhitelistForm(data=corpus.row(mac=typed), context=context_of(country.cast))

    assert form["mac"].value() == shown
    assert form.corrections() == []


def test_the_service_refuses_the_submission_naming_every_row(country: Country) -> None:
    rows = [wrong for wrong in CORPUS if wrong.is_json]

    with pytest.raises(InvalidApplication) as refused:
        world.submitted(country.cast, KIND, *(corpus.row(**wrong.values) for wrong in rows))

    found = by_line(refused.value.errors, ".")
    for position, wrong in enumerate(rows):
        require(wrong, found[position])


def errors_of(answer: Mapping[str, Any]) -> dict[int, dict[str, list[str]]]:
    errors: dict[str, list[str]] = {}
    for error in answer["errors"]:
        errors.setdefault(error["path"], []).append(error["message"])
    return by_line(errors, "/")


def test_rest_refuses_with_the_same_words(country: Country) -> None:
    rows = [wrong for wrong in CORPUS if wrong.is_text]
    api = Api(country.cast.applicant)
    lines = [corpus.row(**wrong.values) for wrong in rows]
    body = {"kind": KIND, "organisation": "13", "reason": "増設のため", "lines": lines}

    made = api.post("applications/", body, check=201)
    answer = api.browser.post(
        f"/api/v1/applications/{made['number']}/submit/",
        headers={"If-Match": api.last["ETag"]},
        content_type="application/json",
    ).json()

    found = errors_of(answer)
    for position, wrong in enumerate(rows):
        require(wrong, found[position])


def test_rest_takes_addresses_as_text_only(country: Country) -> None:
    rows = [wrong for wrong in CORPUS if wrong.is_json and not wrong.is_text]
    lines = [corpus.row(**wrong.values) for wrong in rows]
    body = {"kind": KIND, "organisation": "13", "reason": "増設のため", "lines": lines}

    answer = Api(country.cast.applicant).post("applications/", body, check=400)

    found = errors_of(answer)
    assert len(found) == len(rows) > 0
    for position, wrong in enumerate(rows):
        assert "型が違います" in found[position][wrong.field][0]


def test_the_workbook_is_told_at_every_cell(country: Country) -> None:
    made = upload(country.cast, KIND, [corpus.row(**wrong.values) for wrong in CORPUS])

    assert made.error_count == len(CORPUS)
    for found, wrong in zip(made.rows, CORPUS, strict=True):
        require(wrong, found["e"])


def test_duplicates_within_one_file_name_the_other_row(country: Country) -> None:
    first = corpus.row()
    rows = [
        first,
        corpus.row(mac=str(first["mac"]).upper().replace(":", "ー")),
        corpus.row(ip="".join(chr(ord(c) + 0xFEE0) for c in str(first["ip"]))),
        {"action": "置換", "mac": "00:1b:a9:55:00:01", "old_mac": corpus.REPLACED},
        {"action": "置換", "mac": "00:1b:a9:55:00:02", "old_mac": corpus.REPLACED, "ip": "10.13.20.77"},
    ]

    made = upload(country.cast, KIND, rows)

    errors = [row["e"] for row in made.rows]
    assert [sorted(error) for error in errors] == [[], ["mac"], ["ip"], [], ["old_mac"]]
    assert "2行目" in errors[1]["mac"][0]
    assert "別の行" in errors[2]["ip"][0]


def test_right_rows_in_every_spelling_are_taken_and_shown_corrected(country: Country) -> None:
    rows = [
        corpus.row(action="新規", mac="００ー１ＢーＡ９ー４４ー００ー０１", ip="１０．１３．２０．５１"),
        corpus.row(action="新規", mac="001b.a944.0002", ip="10.13.20.52", computer="ｋｋ１３ーｐｒ０１"),
        {"action": "置換", "mac": "001BA9440003", "old_mac": corpus.REPLACED.replace(":", "-")},
        {"action": "削除", "mac": corpus.TAKEN.replace(":", " ")},
        corpus.row(action="新規", ip=corpus.TAKEN_IP),  # free, since the row above removes its entry
    ]

    made = upload(country.cast, KIND, rows)

    assert made.error_count == 0, [row["e"] for row in made.rows]
    assert made.rows[0]["d"]["mac"] == "00:1b:a9:44:00:01"
    assert made.rows[2]["d"] | {"valid_until": ""} == {
        "action": "REPLACE",
        "computer": "KK13-PC92",
        "mac": "00:1b:a9:44:00:03",
        "ip": "10.13.20.206",
        "old_mac": corpus.REPLACED,
        "valid_until": "",
    }
    assert made.rows[3]["d"]["ip"] == corpus.TAKEN_IP
    assert made.rows[0]["c"]


# --- The dry run and the writing ------------------------------------------------------------------------------------------
def random_row(dice: random.Random) -> dict[str, Any]:
    macs = [f"00:1b:a9:66:00:{n:02x}" for n in range(6)] + [corpus.TAKEN, corpus.REPLACED, corpus.ELSEWHERE]
    ips = [f"10.13.20.{n}" for n in range(60, 66)] + [corpus.TAKEN_IP, "10.13.20.206", "10.13.82.1"]
    action = dice.choice(["ADD", "ADD", "REPLACE", "REMOVE"])
    made = {"action": action, "mac": dice.choice(macs), "computer": f"KK13-PC0{dice.randint(1, 5)}"}
    if action == "REMOVE":
        return {"action": action, "mac": dice.choice(macs[-3:])}
    made["ip"] = dice.choice(ips)
    return made | ({"old_mac": dice.choice(macs[-3:])} if action == "REPLACE" else {})


def wrong_rows(cast: Cast, rows: list[dict[str, Any]]) -> set[int]:
    """What the dry run refuses."""
    _checked, errors = check_lines(kinds.get(KIND), context_of(cast), rows)
    return set(by_line(errors, "."))


def live() -> dict[str, tuple[str, str]]:
    rows = WhitelistEntry.system.filter(state="APPROVED").select_related("computer")
    return {entry.mac: (entry.ip, entry.computer.name) for entry in rows}


@pytest.mark.parametrize("seed", range(6))
def test_what_the_dry_run_takes_is_written_and_what_it_refuses_is_not(country: Country, seed: int) -> None:
    dice = random.Random(seed)
    rows = [random_row(dice) for _ in range(14)]
    before = live()
    refused = wrong_rows(country.cast, rows)
    if refused:
        with pytest.raises(InvalidApplication) as found:
            world.submitted(country.cast, KIND, *rows)
        assert set(by_line(found.value.errors, ".")) == refused
    while refused:
        rows = [row for position, row in enumerate(rows) if position not in refused]
        refused = wrong_rows(country.cast, rows)
    assert rows, "a seed without a single right row proves nothing"

    application = corpus.applied(country.cast, *rows)

    assert application.status == Status.COMPLETED
    expected = dict(before)
    for row in rows:
        expected.pop(row.get("old_mac") or (row["mac"] if row["action"] == "REMOVE" else ""), None)
    expected |= {row["mac"]: (row["ip"], row["computer"]) for row in rows if row["action"] != "REMOVE"}
    assert live() == expected
