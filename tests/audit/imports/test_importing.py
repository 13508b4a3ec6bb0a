"""A file of log lines becomes rows (AUD-01, AUD-10): nothing lost, nothing twice, every line accounted for."""

from __future__ import annotations

import datetime as dt
import hashlib

import pytest
from django.db import connection

from audit.imports import hosts, preview, storing
from audit.imports.errors import AlreadyThere, FileRefused
from audit.imports.models import Host, LogCoverage, LogImport, LogRow
from audit.imports.preview import preview_of
from audit.imports.selectors import coverage_of
from portal.common.time import JST
from tests import factories
from tests.audit.imports import logs

pytestmark = pytest.mark.django_db


def accounted(made: LogImport) -> int:
    """Every line but the headings has become something that the page counts."""
    continued = made.findings.get("CONTINUED", {}).get("count", 0)
    rows: int = made.kept_count + made.duplicate_count + made.held_count + made.refused_count
    return rows + continued


def test_a_line_becomes_a_row_with_its_hash() -> None:
    logs.host("DBSV13")
    one = logs.line("2026-09-01 10:00:00.250", event="main:1", indexed="2026-09-01 10:01:00", rows="12")

    made = logs.load(logs.text(one))

    row = LogRow.system.get()
    assert (made.state, made.kept_count, made.lines_done) == ("DONE", 1, 2)
    assert row.event_at == dt.datetime(2026, 9, 1, 10, 0, 0, 250_000, tzinfo=JST)
    assert (row.host, row.db_user, row.volume, row.source_id) == ("DBSV13", "tanaka", 12, "main:1")
    assert (row.organisation.code, row.line_number, row.import_id) == ("13", 2, made.pk)
    assert bytes(row.line_hash) == hashlib.sha256(one.encode()).digest()


def test_columns_may_stand_in_any_order_and_others_are_not_read() -> None:
    logs.host()
    data = b"x,host,action,_time,db_user\nignored,dbsv13,SELECT,2026-09-01 10:00:00,sato\n"

    logs.load(data)

    row = LogRow.system.get()
    assert (row.db_user, row.action, row.client) == ("sato", "SELECT", "")


def test_zones_in_the_value_count_before_the_zone_of_the_mapping() -> None:
    logs.host()

    logs.load(logs.text(logs.line("2026-09-01T01:00:00Z"), logs.line("2026-09-01 10:00:00")))

    assert LogRow.system.values_list("event_at", flat=True).distinct().count() == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_every_encoding_of_an_office_is_read(encoding: str) -> None:
    logs.host()
    data = logs.text(logs.line(object_name="個人番号表")).decode().encode(encoding)

    logs.load(data)

    assert LogRow.system.get().object_name == "個人番号表"


def test_a_file_of_mixed_encodings_is_read_line_by_line_and_says_so() -> None:
    logs.host()
    good, other = logs.line(object_name="個人番号表"), logs.line(object_name="資格表")
    data = logs.text(good) + f"{other}\n".encode("cp932") + b"2026-09-01 10:00:00,,,dbsv13,\x81\xff\xfe\n"

    made = logs.load(data)

    assert set(LogRow.system.values_list("object_name", flat=True)) == {"個人番号表", "資格表"}
    assert made.findings["OTHER_ENCODING"]["lines"][0][0] == 3
    assert made.findings["UNREADABLE"]["lines"][0][0] == 4
    assert accounted(made) == made.line_count - 1


def test_lines_that_cannot_be_read_are_named_and_the_others_kept() -> None:
    logs.host()
    lines = [logs.line(f"2026-09-01 10:00:0{n}") for n in range(9)]
    wrong = [
        "2026-09-01 10:00:00,too short",
        logs.line("gestern"),
        logs.line(rows="viele"),
        logs.line("2031-01-01 00:00:00"),
    ]

    made = logs.load(logs.text(*lines[:5], *wrong, *lines[5:]))

    named = {code: found["lines"][0][0] for code, found in made.findings.items() if code != "months"}
    assert named == {"COLUMNS": 7, "NO_TIME": 8, "NO_NUMBER": 9, "OUT_OF_TIME": 10}
    assert (made.kept_count, made.refused_count, accounted(made)) == (9, 4, 13)


def test_a_file_that_the_mapping_does_not_fit_is_refused_whole() -> None:
    logs.host()

    made = logs.load(logs.text(*[logs.line("01.09.2026 10:00")] * 5))

    assert (made.state, made.kept_count, LogRow.system.count()) == ("FAILED", 0, 0)
    assert "2" in made.problem


def test_a_missing_column_is_said_before_anything_is_imported() -> None:
    made = logs.upload(b"_time,host,action\n2026-09-01 10:00:00,dbsv13,SELECT\n")

    with pytest.raises(Exception, match="db_user"):
        logs.loading.start(import_id=made.pk, actor=made.uploaded_by, now=logs.NOW)


def test_backslashes_tabs_quotes_and_line_breaks_stay_as_they_are() -> None:
    logs.host()
    object_name = 'C:\\temp\\new "x"\tend\nsecond \\N'
    quoted = '"' + object_name.replace('"', '""') + '"'

    made = logs.load(logs.text(logs.line(object_name=quoted), logs.line("2026-09-01 11:00:00")))

    assert LogRow.system.order_by("event_at").first().object_name == object_name
    assert made.kept_count == 2
    shown = preview_of(made, logs.NOW)
    assert shown.problems == []
    # Columns that the file has, and what its machine says about numbers in words.
    assert len(shown.labels) == len(logs.HEADER.split(",")) + 1
    assert {row[-1] for row in shown.rows} == {"個人番号あり"}


def test_a_carriage_return_within_a_value_stays_and_stops_nothing() -> None:
    logs.host()

    made = logs.load(logs.text(logs.line(object_name="A\rB"), logs.line("2026-09-01 11:00:00")))

    assert (made.state, made.kept_count) == ("DONE", 2)
    assert LogRow.system.filter(object_name="A\rB").count() == 1


def test_a_number_of_the_source_with_a_backslash_is_known_again() -> None:
    logs.host()
    first = logs.line(event="C:\\log~1")

    logs.load(logs.text(first))
    made = logs.load(logs.text(first, logs.line("2026-09-01 11:00:00", event="C:\\log~2")))

    assert (made.kept_count, made.duplicate_count) == (1, 1)


def test_json_lines_are_read() -> None:
    logs.host()
    data = (
        (
            b'{"_time": "2026-09-01 10:00:00", "host": "dbsv13", "db_user": "sato", "action": "SELECT", "rows": 7, "object": "A\\tB"}\n'
            b"no json\n"
        )
        + b'{"_time": "2026-09-01 10:00:00", "host": "dbsv13", "db_user": "sato", "action": "SELECT", "object": null}\n'
    )

    made = logs.load(data)

    assert sorted(LogRow.system.values_list("object_name", "volume")) == [("", 0), ("A\tB", 7)]
    assert made.findings["NO_JSON"]["lines"] == [[2, ""]]


def test_the_same_file_is_told_before_it_is_imported() -> None:
    logs.host()
    made = logs.load(logs.text(logs.line()))

    with pytest.raises(AlreadyThere) as refused:
        logs.upload(logs.text(logs.line()))

    assert refused.value.earlier == made


def test_rows_of_an_overlapping_export_are_counted_and_not_kept_twice() -> None:
    logs.host()
    lines = [logs.line(f"2026-09-01 10:00:0{n}") for n in range(6)]
    logs.load(logs.text(*lines[:4]))

    made = logs.load(logs.text(*lines[2:]))

    assert (made.kept_count, made.duplicate_count, LogRow.system.count()) == (2, 2, 6)


def test_a_line_that_a_file_holds_twice_is_two_events_and_only_the_surplus_of_the_next_file_is_new() -> None:
    logs.host()
    one = logs.line()
    logs.load(logs.text(one, one))

    made = logs.load(logs.text(one, one, one))

    assert (made.kept_count, made.duplicate_count, LogRow.system.count()) == (1, 2, 3)


def test_a_number_of_the_source_is_one_event_however_it_is_written() -> None:
    logs.host()
    logs.load(
        logs.text(logs.line(event="main:1"), logs.line(event="main:1", rows="6"), logs.line(event="main:2"))
    )

    made = logs.load(logs.text(logs.line(event="main:2", program="other"), logs.line(event="main:3")))

    assert sorted(LogRow.system.values_list("source_id", flat=True)) == ["main:1", "main:2", "main:3"]
    assert made.duplicate_count == 1


@pytest.mark.parametrize("size", [storing.PIECE, 150], ids=["one piece", "a piece for each line"])
def test_a_number_of_the_source_elsewhere_or_at_another_time_is_another_event(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(storing.pieces, "__defaults__", (size,))
    logs.host("dbsv13")
    logs.host("dbsv27", code="27")
    here = logs.line("2026-09-01 10:00:00", event="17")
    there = logs.line("2026-09-02 10:00:00", event="17", host="dbsv27")
    later = logs.line("2026-09-01 10:00:01", event="17")
    same = logs.line("2026-09-01T01:00:00.000Z", event="17", program="other")

    first = logs.load(logs.text(here, there, same))
    second = logs.load(logs.text(there, same, later, here))

    assert (first.kept_count, first.duplicate_count) == (2, 1)
    assert (second.kept_count, second.duplicate_count) == (1, 3)
    assert sorted(LogRow.system.values_list("organisation__code", "event_at__day", "event_at__second")) == [
        ("13", 1, 0),
        ("13", 1, 1),
        ("27", 2, 0),
    ]


def test_a_stored_number_of_another_federation_neither_hides_a_new_row_nor_is_stored_again() -> None:
    logs.host("dbsv13")
    logs.host("dbsv27", code="27")
    old = logs.line("2026-09-01 10:00:00", event="17")
    logs.load(logs.text(old, logs.line("2026-09-02 09:00:00", event="16", host="dbsv27")))

    made = logs.load(logs.text(logs.line("2026-09-02 10:00:00", event="17", host="dbsv27"), old))

    assert (made.kept_count, made.duplicate_count) == (1, 1)
    assert sorted(LogRow.system.filter(source_id="17").values_list("host", flat=True)) == ["dbsv13", "dbsv27"]


def test_a_broken_quotation_mark_costs_its_line_and_a_value_with_line_breaks_stays_one_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Over borders of pieces, and of a machine that is registered later; then nothing is taken or counted again."""
    monkeypatch.setattr(storing.pieces, "__defaults__", (300,))
    logs.host()
    lines = [logs.line(event=f"e{n}", object_name='"SELECT\n1\nFROM x"') for n in range(6)]
    lines += [logs.line(event=f"f{n}") for n in range(6)]
    lines.insert(8, logs.line(event="broken", object_name='"T_KOJIN'))
    inner = logs.line(event="inner")
    lines.insert(0, logs.line(event="held", host="dbsv14", object_name=f'"A\n{inner}\nunreadable\nB"'))

    made = logs.load(logs.text(*lines).replace(b"unreadable", b"\x81\xff\xfe"))

    assert (made.kept_count, made.held_count, made.refused_count) == (13, 1, 2)
    assert made.findings["QUOTE"]["lines"] == [[26, ""]]
    assert made.findings["TWO_WAYS"]["lines"] == [[2, "2-5"]]
    assert accounted(made) == made.line_count - 1
    assert made.chunk_count > 3
    logs.host("dbsv14")
    hosts.take_in_held(logs.NOW)
    made.refresh_from_db()
    assert (made.kept_count, made.held_count, accounted(made)) == (14, 0, made.line_count - 1)
    assert LogRow.system.get(source_id="held").object_name == f"A\n{inner}\n\nB"
    assert LogRow.system.filter(source_id="inner").count() == 1
    # What is looked at before an import ends within a record here, and that makes the record no broken one.
    monkeypatch.setattr(preview, "_LINES", 3)
    assert [problem["code"] for problem in preview.preview_of(made, logs.NOW).problems] == ["TWO_WAYS"]


def test_a_log_of_taken_out_files_is_read_with_its_media() -> None:
    """As SKYSEA writes it on a Japanese Windows: Shift_JIS, slashes, paths, words for media (AUD-01)."""
    logs.host("K13-PC01", sends_database="", sends_takeout="IRREGULAR")
    head = "日時,端末名,ログオンユーザー名,プロセス名,操作,ファイル名,コピー先,サイズ,媒体種別,シリアル番号"
    lines = [
        '2026/09/01 10:00:00,k13-pc01,KOKUHO\\tanaka,explorer.exe,コピー,"D:\\業務\\一覧,9月.csv",E:\\,"2,400,000",USBメモリ,SN-0042',
        "2026/9/1 9:05:00,K13-PC01,sato,spoolsv.exe,印刷,表予.xlsx,PR-01,0,プリンタ,",
        "2026/09/01 11:00:00,K13-PC01,sato,x.exe,コピー,a.txt,F:\\,1,MOディスク,M-1",
    ]
    data = "".join(f"{line}\r\n" for line in (head, *lines)).encode("cp932")

    made = logs.load(data, log_kind="TAKEOUT")

    assert (made.state, made.kept_count, accounted(made)) == ("DONE", 3, 3)
    names = ("medium_type", "medium_serial", "object_name", "target", "volume", "os_user", "db_user")
    assert list(LogRow.system.order_by("volume").values_list(*names)) == [
        ("PRINTER", "", "表予.xlsx", "PR-01", 0, "sato", ""),
        ("MOディスク", "M-1", "a.txt", "F:\\", 1, "sato", ""),
        ("REMOVABLE", "SN-0042", "D:\\業務\\一覧,9月.csv", "E:\\", 2_400_000, "KOKUHO\\tanaka", ""),
    ]
    assert set(LogRow.system.values_list("log_kind", "host")) == {("TAKEOUT", "K13-PC01")}
    coverage = [entry for entry in coverage_of(logs.cycle(), factories.organisation("13")) if entry.rows]
    assert [(entry.log_kind, entry.rows, entry.days_with_rows) for entry in coverage] == [("TAKEOUT", 3, 1)]


def test_only_zones_that_there_are_can_stand_in_a_time() -> None:
    """PostgreSQL refuses the others, and with them the whole piece, again and again."""
    logs.host()
    real = ("+09:00", "Z", "-12:00", "+0545", "+14:00", "")
    wrong = ("+99:00", "+14:01", "-15:00", "+09:60", "+24:00")

    lines = [logs.line(f"2026-09-05 10:00:00{zone}") for zone in real * 2 + wrong]

    made = logs.load(logs.text(*lines))

    assert (made.state, made.kept_count, made.refused_count) == ("DONE", 2 * len(real), len(wrong))
    assert made.findings["NO_TIME"]["count"] == len(wrong)


def test_a_gzip_file_cut_in_the_middle_keeps_its_whole_lines_and_says_where_it_ends() -> None:
    logs.host()
    lines = [
        logs.line(f"2026-09-01 10:{n // 60:02}:{n % 60:02}", event=f"e{n * 7919 % 100003}")
        for n in range(3000)
    ]
    data = logs.packed(logs.text(*lines))

    made = logs.load(data[: len(data) // 2])

    assert made.is_cut
    assert made.findings["CUT"]["lines"][0][0] == made.line_count
    assert 500 < made.kept_count == made.line_count - 2
    assert accounted(made) == made.line_count - 1


def test_a_last_line_without_an_end_is_kept_with_a_remark() -> None:
    logs.host()

    made = logs.load(logs.text(logs.line())[:-1])

    assert made.kept_count == 1
    assert made.findings["NO_LINE_END"]["lines"] == [[2, ""]]


@pytest.mark.parametrize("data", [b"", b"a,b\n", "a,b\n1,2\n".encode("utf-16"), b"PK\x03\x04...."])
def test_what_is_no_log_is_refused_with_its_reason(data: bytes) -> None:
    with pytest.raises(FileRefused) as refused:
        logs.upload(data)

    assert refused.value.reason


def test_clocks_that_differ_are_flagged_and_the_row_kept() -> None:
    logs.host()

    made = logs.load(
        logs.text(logs.line(indexed="2026-09-01 10:05:00"), logs.line(indexed="2026-09-01 11:30:00"))
    )

    assert sorted(LogRow.system.values_list("is_skewed", flat=True)) == [False, True]
    assert made.findings["SKEWED"]["lines"] == [[3, "90"]]


def test_an_account_of_the_application_from_elsewhere_is_not_the_application() -> None:
    from audit.imports import mappings
    from audit.imports.allowed import Allowed

    logs.host()
    entries = [Allowed("app_svc", "kokuho.exe", "apsv*")]
    mappings.save_access(entries=entries, seen=None, actor=logs.operator(), now=logs.NOW)

    made = logs.load(
        logs.text(
            logs.line(user="APP_SVC", program="kokuho.exe", client="apsv01"),
            logs.line(user="app_svc", program="sqlplus", client="apsv01"),
            logs.line(user="app_svc", program="kokuho.exe", client="pc-77"),
        )
    )

    assert made.application_count == 1
    assert list(LogRow.system.filter(is_application=True).values_list("db_user", flat=True)) == ["APP_SVC"]


def test_coverage_tells_a_silent_machine_from_no_access() -> None:
    logs.host("dbsv13")
    logs.host("dbsv13b")
    cycle = logs.cycle()

    logs.load(
        logs.text(
            logs.line("2026-08-21 00:00:00"),
            logs.line("2026-09-20 23:59:59"),
            logs.line("2026-09-21 00:00:00"),
        )
    )

    first, second = coverage_of(cycle, factories.organisation("13"))
    assert (first.days_with_rows, len(first.days_missing), first.rows) == (2, 29, 2)
    assert (second.host, second.days_with_rows, len(second.days_missing)) == ("dbsv13b", 0, 31)
    assert LogCoverage.system.count() == 3


def test_rows_belong_to_the_federation_of_their_machine() -> None:
    logs.host("dbsv13")
    logs.host("dbsv27", code="27")

    logs.load(logs.text(logs.line(), logs.line(host="DBSV27")))

    assert sorted(LogRow.system.values_list("organisation__code", "host")) == [
        ("13", "dbsv13"),
        ("27", "dbsv27"),
    ]


def test_pieces_end_with_whole_records(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(f'{n},"a\n{n}"\n' for n in range(500)).encode()

    found = list(storing.pieces(iter([text[:333], text[333:]]), size=100))

    assert b"".join(found) == text
    assert len(found) > 10
    assert all(piece.count(b'"') % 2 == 0 and piece.endswith(b"\n") for piece in found)


def test_personal_rows_lie_apart_from_rows_with_individual_numbers() -> None:
    Host.system.filter(pk=logs.host().pk).update(involves_number=False)
    logs.host("dbsv13n")
    logs.load(logs.text(logs.line(), logs.line(host="dbsv13n")))

    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text, count(*) FROM audit_logrow GROUP BY 1 ORDER BY 1")
        found = cursor.fetchall()
    assert found == [("audit_logrow_numbers_2026_09", 1), ("audit_logrow_other_2026_09", 1)]


def test_the_database_knows_the_size_of_a_month_before_anybody_compares_it() -> None:
    """A comparison that is planned for an empty month takes six times as long (docs/adr/0044)."""
    logs.host()
    logs.load(
        logs.text(*(logs.line(f"2026-0{month}-01 10:00:{n:02}") for month in (8, 9) for n in range(60)))
    )

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, reltuples FROM pg_class WHERE relname LIKE 'audit_logrow_numbers_2026_0_'"
        )
        found = dict(cursor.fetchall())
    assert found == {"audit_logrow_numbers_2026_08": 60, "audit_logrow_numbers_2026_09": 60}
