"""What a DNS ticket refuses at entry and what its plan shows (REQ-05)."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.gateways.dns import DnsUnavailable, reverse_address, reverse_name
from portal.workflow import kinds
from portal.workflow.content import check_lines
from portal.workflow.errors import InvalidApplication
from portal.workflow.kinds import LineContext
from requests.dns import checks, lookups
from requests.dns.payloads import DnsLine
from requests.zones.models import DnsZone
from requests.zones.owners import KIND
from tests import factories
from tests.fake_dns import FakeDns
from tests.requests import world
from tests.requests.world import Cast, line, records

pytestmark = pytest.mark.django_db


def checked(*lines: dict[str, Any], code: str = "13") -> tuple[list[Any], dict[str, list[str]]]:
    context = LineContext(
        organisation=factories.organisation(code), actor=None, application=None, today=timezone.localdate()
    )
    found, errors = check_lines(kinds.get(KIND), context, list(lines))
    return found, {path: list(texts) for path, texts in errors.items()}


def errors_of(*lines: dict[str, Any], code: str = "13") -> dict[str, str]:
    """The first text at each field of the first line."""
    _found, errors = checked(*lines, code=code)
    return {path.removeprefix("lines.0").strip("."): texts[0] for path, texts in errors.items()}


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"name": "*.kokuho.pr"}, "name", "すべての組織"),
        ({"name": "web.*.kokuho.pr"}, "name", "ワイルドカード"),
        ({"name": "*.web.kokuho.pr", "with_ptr": True}, "with_ptr", "ワイルドカード"),
        ({"name": "a.b.foreign.kokuho.pr", "kind": "TXT", "value": "x"}, "name", "他の組織の名前の下"),
        ({"name": "*.foreign.kokuho.pr"}, "name", "他の組織の名前の下"),
        ({"kind": "AAAA", "value": "fd00:13:99::5"}, "value", "どのセグメントにも"),
        ({"kind": "AAAA", "value": "fd00:14:82::5"}, "value", "自組織のセグメント"),
        ({"name": "foreign6", "kind": "TXT", "value": "x"}, "name", "他の組織"),
        ({"name": "fd00:14:82::5", "kind": "PTR", "value": "web1.kokuho.pr"}, "name", "自組織のセグメント"),
        ({"name": "fd00:13:99::5", "kind": "PTR", "value": "web1.kokuho.pr"}, "name", "どのセグメントにも"),
        ({"name": "kokuho.pr"}, "name", "ゾーンそのもの"),
        ({"name": "web_1.kokuho.pr"}, "name", "アンダースコア"),
        ({"name": "日本.kokuho.pr"}, "name", "使えない文字"),
        ({"name": "web1.example.jp"}, "name", "登録されていません"),
        ({"name": "dc1.kokuho.pr"}, "name", "Active Directory"),
        ({"name": "a._msdcs.kokuho.pr", "kind": "TXT", "value": "x"}, "name", "Active Directory"),
        ({"value": "10.13.82.300"}, "value", "IPv4"),
        ({"value": "127.0.0.1"}, "value", "アドレス"),
        ({"value": "10.99.1.1"}, "value", "どのセグメントにも"),
        ({"value": "10.14.82.5"}, "value", "自組織のセグメント"),
        ({"ttl": 5}, "ttl", "60"),
        ({"kind": "SRV", "value": "10 0 x sip.kokuho.pr", "name": "_sip._tcp.kokuho.pr"}, "value", "優先度"),
        ({"kind": "TXT", "value": "x", "with_ptr": True}, "with_ptr", "PTR"),
        ({"action": "CHANGE", "value": "10.13.82.6"}, "old_value", "現在"),
        ({"action": "DELETE"}, "value", "ありません"),
        ({"action": "CHANGE", "old_value": "10.13.82.1", "value": "10.13.82.6"}, "old_value", "ありません"),
        ({"name": "there", "kind": "CNAME", "value": "web1.kokuho.pr"}, "value", "CNAME"),
        ({"name": "there", "value": "10.13.82.9"}, "value", "すでに"),
        ({"name": "foreign", "kind": "TXT", "value": "x"}, "name", "他の組織"),
        ({"name": "nobody", "kind": "TXT", "value": "y"}, "name", "分かりません"),
        ({"value": "10.13.82.7", "with_ptr": True}, "with_ptr", "PTR"),
        ({"name": "10.14.82.5", "kind": "PTR", "value": "web1.kokuho.pr"}, "name", ""),
    ],
)
def test_req_05_every_mistake_is_told_at_its_field(
    cast: Cast, dns: FakeDns, values: dict[str, Any], field: str, words: str
) -> None:
    dns.put(
        *records("there", "A", "10.13.82.9"),
        *records("foreign", "A", "10.14.82.9"),
        *records("foreign6", "AAAA", "fd00:14:82::9"),
        *records("nobody", "TXT", "x"),
        *records(f"7.{world.REVERSE}", "PTR", "other.kokuho.pr"),
    )

    world.ipv6()

    found = errors_of(line(**values))

    assert set(found) == {field}
    assert words in found[field]


def test_req_05_operations_apply_where_nobody_is_known_and_mind_the_cname(cast: Cast, dns: FakeDns) -> None:
    dns.put(*records("alias", "CNAME", "web1.kokuho.pr"), *records("nobody", "TXT", "x"))

    assert "CNAME" in errors_of(line(name="alias"), code="operations")["value"]
    assert not errors_of(line(name="nobody", kind="TXT", value="y"), code="operations")
    assert not errors_of(line(value="10.99.1.1"), code="operations")


def test_org_02_a_zone_of_another_federation_is_not_there(cast: Cast, dns: FakeDns) -> None:
    DnsZone.objects.filter(name=world.ZONE).update(organisation=factories.organisation("14"))

    assert "登録されていません" in errors_of(line())["name"]
    assert not errors_of(line(value="10.14.82.5"), code="14")


def test_org_02_a_zone_of_another_federation_is_not_written_through_the_one_above(cast: Cast) -> None:
    world.zone("sub.kokuho.pr", factories.organisation("14"))

    assert "登録されていません" in errors_of(line(name="web1.sub.kokuho.pr"))["name"]


FOREIGN = {  # names and addresses of federation 14 with what stands there
    "kk14-web.kokuho.pr": {"A": "10.14.82.10", "TXT": "zone-14-token", "SRV": "0 0 1 kk14-srv.kokuho.pr"},
    "kk14-v6.kokuho.pr": {"AAAA": "fd00:14:82::10"},
    "*.kk14-lab.kokuho.pr": {"A": "10.14.82.20"},
    reverse_name("10.14.82.10"): {"PTR": "kk14-ptr.kokuho.pr"},
    reverse_name("fd00:14:82::10"): {"PTR": "kk14-v6ptr.kokuho.pr"},
}
OWN_OR_NEW = ("web1.kokuho.pr", "new.kokuho.pr", "a.kk14-web.kokuho.pr", "a.kk14-lab.kokuho.pr")
VALUES = {
    "A": ("10.13.82.99", "10.14.82.10", "10.14.82.99"),
    "AAAA": ("fd00:13:82::99", "fd00:14:82::10"),
    "CNAME": ("web1.kokuho.pr", "kk14-web.kokuho.pr"),
    "PTR": ("web1.kokuho.pr", "kk14-web.kokuho.pr"),
    "TXT": ("x",),
    "SRV": ("0 0 1 web1.kokuho.pr", "0 0 1 kk14-web.kokuho.pr"),
}


def test_org_02_nothing_that_a_ticket_says_to_a_federation_holds_records_of_another_one(
    cast: Cast, dns: FakeDns
) -> None:
    world.ipv6()
    world.zone("82.14.10.in-addr.arpa")
    dns.zone_names = (*dns.zone_names, "82.14.10.in-addr.arpa")
    dns.put(*records("web1", "A", "10.13.82.5"), *records("web1", "TXT", "own"))
    for name, held in FOREIGN.items():
        for kind, value in held.items():
            dns.put(*records(name, kind, value))
    theirs = {word for name, held in FOREIGN.items() for word in (name, *held.values())}
    context = LineContext(
        organisation=factories.organisation("13"), actor=None, application=None, today=timezone.localdate()
    )

    told = 0
    for action, kind, with_ptr in product(("ADD", "CHANGE", "DELETE"), VALUES, (False, True)):
        names = [name for name in (*FOREIGN, *OWN_OR_NEW) if name.endswith(".arpa") == (kind == "PTR")]
        for name, value, old in product(names, VALUES[kind], VALUES[kind] if action == "CHANGE" else ("",)):
            payload = DnsLine(
                action=action, type=kind, name=name, value=value, old_value=old, with_ptr=with_ptr
            )
            said = json.dumps(checks.plan_line(context, payload).to_json(), ensure_ascii=False)
            said += str(checks.check_line(context, payload))
            typed = {name, reverse_address(name), value, old, *value.split(), *old.split()}
            typed |= {reverse_name(each) for each in (value, old) if each and kind in ("A", "AAAA")}
            assert not [word for word in theirs - typed if word in said], (payload, said)
            told += bool(checks.check_line(context, payload))

    assert told > 200
    lookups.known(context)._open[reverse_name("10.14.82.10")] = True  # by a ticket of federation 14
    pointers = [
        DnsLine(action="ADD", type="PTR", name=reverse_name(address), value="web1.kokuho.pr")
        for address in ("10.14.82.10", "10.14.82.11")
    ]
    assert checks.check_line(context, pointers[0]) == checks.check_line(context, pointers[1])


def test_org_02_what_hangs_on_a_machine_is_the_federations_own_also_while_the_servers_are_silent(
    cast: Cast, dns: FakeDns
) -> None:
    from requests.bundles.names import Names
    from requests.zones import refresh

    dns.put(*records("pc1", "A", "10.14.82.9"), *records("pc2", "A", "10.13.82.9"))
    dns.put(*records("pc3", "TXT", "of whom nobody knows"))
    refresh.refresh_all(now=timezone.now())

    for faults in ([], [DnsUnavailable] * 9):
        dns.faults["read_many"] = list(faults)
        found = Names(factories.organisation("13"), timezone.localdate()).of(
            {"pc1": [], "pc2": [], "pc3": []}
        )
        assert [(each.machine, each.value) for each in found] == [("pc2", "10.13.82.9")]


def test_req_05_the_longest_name_is_reserved_too(cast: Cast, dns: FakeDns) -> None:
    longest = f"{'.'.join(['a' * 60] * 4)[:243]}.kokuho.pr"
    assert len(longest) == 253
    world.submitted(cast, line(name=longest))

    with pytest.raises(InvalidApplication) as refused:
        world.submitted(cast, line(name=longest, kind="TXT", value="x"))

    assert list(refused.value.errors) == ["lines.0.name"]


def test_req_05_a_closed_zone_takes_no_tickets(cast: Cast) -> None:
    DnsZone.objects.filter(name=world.ZONE).update(is_open=False)

    assert "受け付けていません" in errors_of(line())["name"]


def test_req_05_a_ptr_without_its_zone_is_told_before(cast: Cast) -> None:
    DnsZone.objects.filter(name=world.REVERSE).delete()

    assert "逆引き" in errors_of(line(with_ptr=True))["with_ptr"]


def test_req_05_two_open_tickets_never_hold_one_name_nor_one_ptr(cast: Cast, dns: FakeDns) -> None:
    world.submitted(cast, line(with_ptr=True))

    with pytest.raises(InvalidApplication) as same_name:
        world.submitted(cast, line(kind="TXT", value="x"))
    by_ptr = errors_of(line(name="10.13.82.5", kind="PTR", value="a.kokuho.pr"))

    assert list(same_name.value.errors) == ["lines.0.name"]
    assert "PTR" in by_ptr["name"]


def test_req_05_the_plan_shows_the_sets_before_and_after_and_the_ptr(cast: Cast, dns: FakeDns) -> None:
    dns.put(
        *records("web1", "A", "10.13.82.4", "10.13.82.9"),
        *records(f"4.{world.REVERSE}", "PTR", "web1.kokuho.pr"),
    )

    found, errors = checked(
        line("CHANGE", old_value="10.13.82.4", value="10.13.82.5", ttl=300, with_ptr=True)
    )

    assert not errors
    changes = [(c.action, c.attribute, c.before, c.after) for c in found[0].plan.changes]
    assert changes == [
        (
            "change",
            "web1.kokuho.pr A",
            ("10.13.82.4 (TTL 600)", "10.13.82.9 (TTL 600)"),
            ("10.13.82.5 (TTL 300)", "10.13.82.9 (TTL 300)"),
        ),
        ("remove", f"4.{world.REVERSE} PTR", ("web1.kokuho.pr (TTL 600)",), ()),
        ("add", f"5.{world.REVERSE} PTR", (), ("web1.kokuho.pr (TTL 300)",)),
    ]
    old_answers = next(check for check in found[0].plan.checks if check.code == "old_answers")
    assert old_answers.values == {"duration": "10分"}


def test_req_05_the_plan_of_a_deletion_says_what_points_at_the_name(cast: Cast, dns: FakeDns) -> None:
    from requests.zones import refresh

    dns.put(*records("web1", "A", "10.13.82.5"), *records("www", "CNAME", "web1.kokuho.pr"))
    dns.put(*records(f"9.{world.REVERSE}", "PTR", "web1.kokuho.pr"))
    refresh.refresh_all(now=timezone.now())

    found, _errors = checked(line("DELETE"))

    pointing = next(check for check in found[0].plan.checks if check.code == "pointing")
    assert pointing.level == "warning"
    assert "9.82.13.10.in-addr.arpa PTR" in pointing.values["records"]  # the federation's own
    assert "www" not in pointing.values["records"]  # nobody's: by number only
    assert "1" in pointing.values["records"]


def warnings_of(found: list[Any]) -> dict[str, dict[str, Any]]:
    return {check.code: check.values for check in found[0].plan.checks if check.level == "warning"}


def test_req_05_an_address_of_ipv6_lies_in_its_segment(cast: Cast, dns: FakeDns) -> None:
    world.ipv6()

    found, errors = checked(line(kind="AAAA", value="fd00:13:82::5", with_ptr=True))
    by_name = errors_of(line(name="fd00:13:82::5", kind="PTR", value="web1.kokuho.pr"))

    assert not errors
    assert not by_name
    assert [change.attribute.partition(".")[2][-12:] for change in found[0].plan.changes][1] == "ip6.arpa PTR"
    assert not warnings_of(found)


def test_req_05_the_plan_of_a_wildcard_says_for_whom_it_speaks(cast: Cast, dns: FakeDns) -> None:
    from requests.zones import refresh

    dns.put(*records("web", "A", "10.13.82.5"), *records("a.web.kokuho.pr", "A", "10.13.82.6"))
    dns.put(*records("b.web.kokuho.pr", "A", "10.14.82.6"))
    refresh.refresh_all(now=timezone.now())

    found, errors = checked(line(name="*.web.kokuho.pr"))

    assert not errors
    assert [change.attribute for change in found[0].plan.changes] == ["*.web.kokuho.pr A"]
    assert warnings_of(found) == {"wildcard": {"parent": "web.kokuho.pr"}}
    below = next(check for check in found[0].plan.checks if check.code == "wildcard_below")
    assert (
        below.values["names"] == "a.web.kokuho.pr, ほか1件"
    )  # of another federation: by number only (ORG-02)


def test_req_05_the_plan_says_when_a_wildcard_speaks_for_the_name_before_or_after(
    cast: Cast, dns: FakeDns
) -> None:
    dns.put(*records("*.web.kokuho.pr", "A", "10.13.82.5"), *records("old.web.kokuho.pr", "A", "10.13.82.6"))
    dns.put(*records("held.web.kokuho.pr", "TXT", "x"))

    hides, errors = checked(line(name="new.web.kokuho.pr", kind="TXT", value="x"))
    appears, more = checked(line("DELETE", name="old.web.kokuho.pr", value="10.13.82.6"))
    ended, rest = checked(line(name="deep.held.web.kokuho.pr", kind="TXT", value="x"))

    assert not errors
    assert not more
    assert not rest
    assert hides[0].plan.changes[0].before == ()
    wildcard = {"wildcard": "*.web.kokuho.pr", "types": "A"}
    assert warnings_of(hides)["wildcard_above"] == wildcard
    assert warnings_of(appears)["wildcard_above"] == wildcard
    assert "wildcard_above" not in warnings_of(ended)  # a name in between ends its reach


def test_org_02_an_own_record_below_anothers_name_may_go(cast: Cast, dns: FakeDns) -> None:
    dns.put(*records("foreign", "A", "10.14.82.9"), *records("own.foreign.kokuho.pr", "A", "10.13.82.5"))

    assert not errors_of(line("DELETE", name="own.foreign.kokuho.pr"))
    assert "下" in errors_of(line(name="new.foreign.kokuho.pr"))["name"]
    assert not errors_of(line(name="new.foreign.kokuho.pr"), code="operations")


def test_acc_12_a_silent_server_is_no_mistake_of_the_applicant(cast: Cast, dns: FakeDns) -> None:
    dns.faults["read_many"] = [DnsUnavailable] * 2

    found, errors = checked(line())

    assert not errors
    assert found[0].plan.unavailable


def test_req_05_full_width_addresses_and_names_are_corrected(cast: Cast) -> None:
    found, errors = checked(line(name="ＷＥＢ１．kokuho.pr", value="１０.13.82.5"))

    assert not errors
    assert found[0].payload == DnsLine(action="ADD", type="A", name="web1.kokuho.pr", value="10.13.82.5")


def test_acc_13_many_lines_cost_the_questions_of_one(cast: Cast, dns: FakeDns) -> None:
    for number in range(20):
        dns.put(*records(f"old{number}", "A", f"10.13.82.{number + 100}"))

    def cost(count: int) -> tuple[int, int]:
        dns.calls.clear()
        adds = [line(name=f"n{i}", value=f"10.13.82.{i + 1}", with_ptr=True) for i in range(count)]
        aliases = [line(name=f"c{i}", kind="CNAME", value=f"n{i}.kokuho.pr") for i in range(count)]
        gone = [line("DELETE", name=f"old{i}", value=f"10.13.82.{i + 100}") for i in range(count)]
        with CaptureQueriesContext(connection) as queries:
            _found, errors = checked(*adds, *aliases, *gone)
        assert not errors
        return len(queries), len(dns.calls)

    assert cost(20) == cost(1)
