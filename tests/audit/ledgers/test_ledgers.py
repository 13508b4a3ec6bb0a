"""Works are entered, changed and cancelled with their whole history; each party reads what is its own (AUD-02, AUD-03, AUD-05)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.ledgers import numbering, selectors, services, types
from audit.ledgers.models import Ledger, WorkChange, WorkEntry, WorkType
from audit.ledgers.types import KnownTypes, NewVersion
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from requests.enquiries.errors import ChangedMeanwhile, NotAllowed, Refused
from tests import factories
from tests.audit.ledgers.world import DAY, NOW, jst, officer, reviewer, typed, values, work
from tests.roles import client_of

pytestmark = pytest.mark.django_db


def test_aud_03_a_work_is_entered_as_an_office_types_it_and_gets_a_number() -> None:
    browser = client_of(reviewer())

    answer = browser.post(reverse("ledger_central_new"), typed())

    assert answer.status_code == 302, answer.content.decode()
    entry = WorkEntry.system.get()
    assert entry.work_number.startswith("作業-2026-")
    assert (entry.planned_from, entry.planned_until) == (jst(10), jst(12))
    assert (entry.persons, entry.accounts) == (["保守 太郎", "保守 花子"], ["tk9001-hoshu"])
    assert entry.hosts == ["KK13-DB01", "KK13-DB02"]
    assert [change.verb for change in entry.changes.all()] == ["ENTERED"]
    assert TrailEntry.objects.filter(action="work.entered").count() == 1


def test_aud_05_a_federation_enters_its_own_without_being_asked_for_which() -> None:
    browser = client_of(officer())

    answer = browser.post(reverse("ledger_federation_new"), typed(worker="FEDERATION"))

    entry = WorkEntry.system.get()
    assert answer.status_code == 302
    assert (entry.ledger, entry.organisation.code) == ("FEDERATION", "13")
    assert entry.work_number.startswith("連13-2026-")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"planned_until_clock": "09:00"}, "終わりが始まりより前"),
        ({"planned_until_on": "2026/12/31"}, "31日"),
        ({"actual_from_on": "2026/11/5", "actual_from_clock": "10:00"}, "両方"),
        ({"actual_from_on": "2026/11/5"}, "日と時刻"),
        (
            {
                "actual_from_on": "2999/1/1",
                "actual_from_clock": "1:00",
                "actual_until_on": "2999/1/1",
                "actual_until_clock": "2:00",
            },
            "未来",
        ),
        ({"accounts": " 、 "}, "アカウント"),
        ({"hosts": "x" * 101}, "100"),
        ({"work_type": "nonsense"}, "作業種別"),
        ({"organisation": "central"}, "連合会"),
        ({"planned_from_clock": "25:00"}, "時刻"),
    ],
)
def test_what_cannot_be_is_told_at_its_place_and_nothing_typed_is_lost(
    more: dict[str, Any], words: str
) -> None:
    answer = client_of(reviewer()).post(reverse("ledger_central_new"), typed(**more))

    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page
    assert "索引の作り直し" in page
    assert not WorkEntry.system.exists()


def test_aud_02_a_number_is_unique_within_ledger_and_federation_and_a_proposal_steps_aside() -> None:
    work(work_number="K-1")

    with pytest.raises(Refused) as refused:
        work(work_number="K-1")
    work("27", work_number="K-1")
    work(ledger=Ledger.FEDERATION, work_number="K-1")
    following = work().work_number
    number = int(following.rpartition("-")[2])
    work(work_number=f"作業-2026-{number + 1:06}")

    assert refused.value.field == "work_number"
    assert work().work_number == f"作業-2026-{number + 2:06}"


@pytest.mark.parametrize("pattern", ["作業", "{nothing}-{number}", "{number:d", "{number:050}"])
def test_a_number_format_that_cannot_work_is_told_at_the_start(settings: Any, pattern: str) -> None:
    assert numbering.settings_of_numbers(None) == []

    settings.WORK_NUMBERS = settings.WORK_NUMBERS | {"CENTRAL": pattern}

    assert [error.id for error in numbering.settings_of_numbers(None)] == ["audit.E001"]


def test_sec_02_every_change_keeps_the_whole_entry_and_its_reason_and_nobody_alters_it() -> None:
    keeper = reviewer()
    entry = work(actor=keeper)

    services.change(
        entry_id=entry.pk,
        version=1,
        values=values(hosts=["KK13-DB01", "KK13-DB09"], actual_from=jst(10), actual_until=jst(11)),
        reason="実績の記入",
        actor=keeper,
        now=NOW,
    )

    told = selectors.history(entry, {})
    assert [one.change.verb for one in told] == ["CHANGED", "ENTERED"]
    assert [(str(d.label), d.before, d.after) for d in told[0].differences] == [
        ("実施開始", "", "2026-11-05 10:00"),
        ("実施終了", "", "2026-11-05 11:00"),
        ("端末・サーバ", "KK13-DB01", "KK13-DB01、KK13-DB09"),
    ]
    page = client_of(keeper).get(reverse("work", args=[entry.pk])).content.decode()
    assert "実績の記入" in page
    for broken in (WorkChange.objects.update, WorkChange.objects.all().delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            broken(reason="x") if broken == WorkChange.objects.update else broken()


def test_a_change_that_somebody_else_made_meanwhile_is_not_overwritten() -> None:
    keeper = reviewer()
    entry = work(actor=keeper)
    services.change(
        entry_id=entry.pk, version=1, values=values(text="別の作業"), reason="訂正", actor=keeper, now=NOW
    )

    with pytest.raises(ChangedMeanwhile):
        services.change(
            entry_id=entry.pk, version=1, values=values(text="上書き"), reason="訂正", actor=keeper, now=NOW
        )
    answer = client_of(keeper).post(
        reverse("work_change", args=[entry.pk]), typed(version="1", reason="訂正", text="上書き")
    )

    assert answer.status_code == 422
    assert "上書き" in answer.content.decode()
    entry.refresh_from_db()
    assert (entry.text, entry.version) == ("別の作業", 2)


def test_a_change_without_reason_or_without_difference_is_refused() -> None:
    keeper = reviewer()
    entry = work(actor=keeper)
    common: dict[str, Any] = {"entry_id": entry.pk, "version": 1, "actor": keeper, "now": NOW}

    with pytest.raises(Refused) as unreasoned:
        services.change(**common, values=values(text="x"), reason=" ")
    with pytest.raises(Refused) as same:
        services.change(**common, values=values(), reason="訂正")

    assert (unreasoned.value.field, same.value.field) == ("reason", "")


def test_a_cancelled_work_stays_and_cannot_be_changed_any_more() -> None:
    keeper = reviewer()
    entry = work(actor=keeper)
    browser = client_of(keeper)

    empty = browser.post(reverse("work", args=[entry.pk]), {"cancel-version": "1", "cancel-reason": ""})
    done = browser.post(
        reverse("work", args=[entry.pk]), {"cancel-version": "1", "cancel-reason": "延期のため"}
    )

    entry.refresh_from_db()
    assert (empty.status_code, done.status_code) == (422, 302)
    assert (entry.cancelled, entry.cancel_reason, entry.version) == (True, "延期のため", 2)
    with pytest.raises(Refused):
        services.change(
            entry_id=entry.pk, version=2, values=values(text="x"), reason="y", actor=keeper, now=NOW
        )
    assert "延期のため" in browser.get(reverse("work", args=[entry.pk])).content.decode()


def test_overlapping_work_is_told_at_entry_and_entered_when_somebody_says_that_it_is_right() -> None:
    keeper = reviewer()
    other = work(actor=keeper, accounts=["TK9001-HOSHU"], hosts=["kk13-db01"])
    work(actor=keeper, hosts=["KK13-DB77"], work_number="ELSEWHERE")
    browser, address = client_of(keeper), reverse("ledger_central_new")

    told = browser.post(address, typed(planned_from_clock="11:59", planned_until_clock="13:00"))
    entered = browser.post(
        address,
        typed(planned_from_clock="11:59", planned_until_clock="13:00", overlaps_seen=str(other.pk)),
    )
    after = browser.post(address, typed(planned_from_clock="13:00", planned_until_clock="14:00"))

    assert told.status_code == 422
    assert other.work_number in told.content.decode()
    assert "ELSEWHERE" not in told.content.decode()
    assert (entered.status_code, after.status_code) == (302, 302)


def test_org_03_only_its_keeper_writes_in_a_ledger() -> None:
    entry = work()
    for person in (factories.operator(), officer(), factories.user(Role.AUDITOR, code="central")):
        with pytest.raises(NotAllowed):
            work(actor=person)
        with pytest.raises(NotAllowed):
            services.cancel(entry_id=entry.pk, version=1, reason="x", actor=person, now=NOW)
    with pytest.raises(NotAllowed):
        work("27", ledger=Ledger.FEDERATION, actor=officer("13"))
    assert client_of(officer()).get(reverse("ledger_central_new")).status_code == 403


def test_org_02_a_federation_reads_its_own_ledger_and_operations_and_the_centre_read_all() -> None:
    own = work(ledger=Ledger.FEDERATION)
    foreign = work("27", ledger=Ledger.FEDERATION)
    central = work()
    auditor = factories.user(Role.AUDITOR)

    assert list(selectors.works(auditor)) == [own]
    assert client_of(auditor).get(reverse("work", args=[foreign.pk])).status_code == 404
    for everywhere in (reviewer(), factories.operator()):
        assert set(selectors.works(everywhere)) == {own, foreign, central}
    assert not selectors.works(factories.user(Role.USER)).exists()
    assert client_of(factories.user(Role.USER)).get(reverse("ledger_central_list")).status_code == 403


def test_a_ledger_is_searched_and_narrowed() -> None:
    keeper = reviewer()
    one = work(actor=keeper, text="被保険者台帳の移行")
    done = work(actor=keeper, hosts=["KK13-DB09"], actual_from=jst(10), actual_until=jst(11))
    late = work(
        "27",
        actor=keeper,
        planned_from=jst(10, day=dt.date(2026, 12, 1)),
        planned_until=jst(11, day=dt.date(2026, 12, 1)),
    )

    def found(**filters: str) -> set[WorkEntry]:
        return set(selectors.works(keeper, **filters))  # type: ignore[arg-type]

    assert found(q="移行") == {one}
    assert found(q="kk13-db09") == {done}
    assert found(state="done") == {done}
    assert found(state="planned") == {one, late}
    assert found(month="2026-12") == {late}
    assert found(month="2026/11") == {one, done}
    assert found(month="nonsense") == found(state="nonsense") == set()
    assert found(organisation="27") == {late}


def test_sec_02_nobody_takes_a_ledger_along_without_a_reason() -> None:
    entry = work()
    browser, address = client_of(reviewer()), reverse("ledger_central_export")
    why = {"purpose": "CHECK", "text": "月次点検"}

    asked = browser.get(address)
    refused = browser.post(address, why | {"text": " "})
    given: Any = browser.post(f"{address}?q=索引", why)
    book = browser.post(f"{address}?format=xlsx", why)

    assert (asked.status_code, refused.status_code, book.status_code) == (200, 422, 200)
    assert entry.work_number in b"".join(given.streaming_content).decode("utf-8-sig")
    kept = TrailEntry.objects.filter(action="work.export").order_by("id")
    assert [(e.detail["reason"]["text"], e.detail["ledger"]) for e in kept] == [("月次点検", "CENTRAL")] * 2
    assert entry.work_number in browser.get(reverse("ledger_central_print")).content.decode()


def test_types_of_work_are_versions_and_a_work_is_judged_by_its_day() -> None:
    new = NewVersion(
        code="maintenance",
        name="保守・設定変更",
        tolerance_minutes=45,
        volume_factor=Decimal("2.5"),
        offered=False,
        valid_from=dt.date(2026, 12, 1),
        note="夜間作業が延びるため",
    )
    with pytest.raises(NotAllowed):
        types.add_version(wanted=new, actor=factories.operator(), now=NOW)
    with pytest.raises(Refused):
        types.add_version(wanted=NewVersion(**vars(new) | {"valid_from": DAY}), actor=reviewer(), now=NOW)

    types.add_version(wanted=new, actor=reviewer(), now=NOW)

    known = KnownTypes()
    days = (DAY, dt.date(2026, 12, 1), dt.date(2001, 1, 1))
    assert [getattr(known.on("maintenance", day), "tolerance_minutes", 0) for day in days] == [15, 45, 15]
    assert "maintenance" not in dict(known.offered(dt.date(2026, 12, 1)))
    assert known.on("nonsense", DAY) is None
    with pytest.raises(DatabaseError), transaction.atomic():
        WorkType.objects.update(tolerance_minutes=1)


def test_the_screen_of_types_makes_a_version_for_reviewers_only() -> None:
    said = {
        "code": "night",
        "name": "夜間作業",
        "tolerance_minutes": "60",
        "volume_factor": "1.5",
        "offered": "on",
        "valid_from": "2999/1/1",
        "note": "新設",
    }
    address = reverse("work_types")

    assert client_of(officer()).post(address, said).status_code == 403
    assert client_of(reviewer()).post(address, said | {"volume_factor": "0.5"}).status_code == 422
    assert client_of(reviewer()).post(address, said).status_code == 302
    assert "夜間作業" in client_of(officer()).get(address).content.decode()


def test_a_list_costs_the_same_for_many_rows(django_assert_num_queries: Any) -> None:
    keeper = reviewer()
    browser, address = client_of(keeper), reverse("ledger_central_list")
    work(actor=keeper)
    browser.get(address)
    with CaptureQueriesContext(connection) as first:
        browser.get(address)
    for _n in range(29):
        work(actor=keeper)

    with django_assert_num_queries(len(first)):
        browser.get(address)


def test_aud_03_the_engine_gets_the_works_around_the_month_with_the_tolerance_of_their_day() -> None:
    keeper = reviewer()
    version = NewVersion(
        code="maintenance",
        name="保守",
        tolerance_minutes=45,
        volume_factor=Decimal("2.5"),
        offered=True,
        valid_from=dt.date(2026, 12, 1),
        note="延長",
    )
    types.add_version(wanted=version, actor=keeper, now=NOW)
    december, far = dt.date(2026, 12, 2), dt.date(2026, 12, 20)
    one = work(actor=keeper, objects_touched=["KOJIN.*"], expected_rows=10)
    gone = work(actor=keeper)
    services.cancel(entry_id=gone.pk, version=1, reason="延期", actor=keeper, now=NOW)
    later = work(actor=keeper, planned_from=jst(10, day=december), planned_until=jst(11, day=december))
    own = work(ledger=Ledger.FEDERATION)
    work("27")
    work(actor=keeper, planned_from=jst(10, day=far), planned_until=jst(11, day=far))

    organisation = factories.organisation("13")
    found = {w.id: w for w in selectors.works_of(organisation, dt.date(2026, 10, 21), dt.date(2026, 12, 3))}

    assert set(found) == {one.pk, gone.pk, later.pk, own.pk}
    assert (found[one.pk].tolerance, found[one.pk].objects) == (dt.timedelta(minutes=15), ("KOJIN.*",))
    assert (found[later.pk].tolerance, found[later.pk].volume_factor) == (dt.timedelta(minutes=45), 2.5)
    assert (found[gone.pk].cancelled, found[own.pk].rank, found[one.pk].rank) == (True, 1, 0)
    only = selectors.works_of(organisation, dt.date(2026, 10, 21), dt.date(2026, 11, 20), Ledger.FEDERATION)
    assert [w.id for w in only] == [own.pk]
