"""Tables 2-33 and 2-34 in code: which devices can be permitted, with which grant, and which never (DEV-04, DEV-05).

In code and not in data on purpose: nobody, of whatever role, adds a combination that the tables do not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from devices.fields import folded


class DeviceKind(models.TextChoices):
    """The kinds of table 2-33."""

    USB_STORAGE = "USB_STORAGE", gettext_lazy("USB memory / USB hard disk")
    OPTICAL_DRIVE = "OPTICAL_DRIVE", gettext_lazy("Internal or external CD/DVD drive")
    FLOPPY_DRIVE = "FLOPPY_DRIVE", gettext_lazy("Floppy disk drive")
    CARD_READER = "CARD_READER", gettext_lazy("Card reader/writer")
    CARD_MEDIA = "CARD_MEDIA", gettext_lazy("Card media")
    IMAGE_SCANNER = "IMAGE_SCANNER", gettext_lazy("Image scanner")


class Grant(models.TextChoices):
    """What a device may be used for. READ_ONLY and FORBIDDEN are defaults of the table and never granted."""

    FORBIDDEN = "FORBIDDEN", gettext_lazy("forbidden")
    READ_ONLY = "READ_ONLY", gettext_lazy("read only")
    READ_WRITE = "READ_WRITE", gettext_lazy("read and write")
    WRITE = "WRITE", gettext_lazy("write")
    USE = "USE", gettext_lazy("use")


@dataclass(frozen=True)
class Row:
    """A row of table 2-33: the setting without an application, and the only one that an application gives."""

    number: int
    default: Grant
    grant: Grant
    words: tuple[str, ...]  # other ways to write the kind


TABLE_2_33: Mapping[str, Row] = {
    DeviceKind.USB_STORAGE: Row(
        1,
        Grant.FORBIDDEN,
        Grant.READ_WRITE,
        ("USBメモリ/USBハードディスク", "USBメモリ", "USBメモリー", "USBハードディスク", "USBHDD", "USB"),
    ),
    DeviceKind.OPTICAL_DRIVE: Row(
        2,
        Grant.READ_ONLY,
        Grant.WRITE,
        ("内蔵・外付けCD/DVDドライブ", "CD/DVDドライブ", "CD/DVD", "CDドライブ", "DVDドライブ"),
    ),
    DeviceKind.FLOPPY_DRIVE: Row(
        3,
        Grant.READ_ONLY,
        Grant.WRITE,
        ("フロッピーディスクドライブ", "フロッピー", "FDD", "フロッピードライブ"),
    ),
    DeviceKind.CARD_READER: Row(
        4,
        Grant.FORBIDDEN,
        Grant.READ_WRITE,
        ("カードリーダー/ライター", "カードリーダー", "カードリーダライタ"),
    ),
    DeviceKind.CARD_MEDIA: Row(
        5, Grant.FORBIDDEN, Grant.READ_WRITE, ("カードメディア", "SDカード", "メモリカード")
    ),
    DeviceKind.IMAGE_SCANNER: Row(
        6, Grant.FORBIDDEN, Grant.USE, ("イメージスキャナ", "スキャナ", "スキャナー")
    ),
}
WRITES = frozenset({Grant.READ_WRITE, Grant.WRITE})  # their reason is confirmed (DEV-03)


@dataclass(frozen=True)
class Forbidden:
    """A row of table 2-34. `stems` are words that give it away wherever they stand."""

    number: int
    code: str
    name: str  # as the table says it
    stems: tuple[str, ...]


TABLE_2_34: tuple[Forbidden, ...] = (
    Forbidden(1, "BLUETOOTH", "Bluetooth デバイス", ("Bluetooth", "ブルートゥース")),
    Forbidden(
        2, "WIRELESS_LAN", "無線 LAN デバイス", ("無線LAN", "Wi-Fi", "ワイヤレスLAN", "wireless_lan", "WLAN")
    ),
    Forbidden(
        3,
        "DIGITAL_CAMERA",
        "デジタルカメラ等",
        ("デジタルカメラ", "デジカメ", "カメラ", "digital_camera", "webcam", "camera"),
    ),
    Forbidden(4, "ESATA_DISK", "eSATA 接続ハードディスク", ("eSATA",)),
    Forbidden(
        5,
        "TAPE_OR_SMART_CARD",
        "テープドライブ、スマートカードリーダー",
        (
            "テープドライブ",
            "スマートカード",
            "ICカードリーダ",
            "tape_drive",
            "smart_card",
            "tape_or_smart_card",
        ),
    ),
    Forbidden(
        6,
        "MOBILE",
        "モバイル端末",
        (
            "モバイル端末",
            "スマートフォン",
            "スマホ",
            "タブレット",
            "携帯電話",
            "iPhone",
            "iPad",
            "Android",
            "smartphone",
            "mobile",
        ),
    ),
)
_STEMS = tuple((folded(stem), row) for row in TABLE_2_34 for stem in (*row.stems, row.code))
ALIASES: Mapping[str, str] = {
    folded(word): str(kind) for kind, row in TABLE_2_33.items() for word in (*row.words, kind)
}


def forbidden_row(text: str) -> Forbidden | None:
    """The row of table 2-34 that a text speaks of, whatever else it says; None for none."""
    written = folded(text)
    return next((row for stem, row in _STEMS if stem in written), None)


def refusal(row: Forbidden) -> str:
    """The reason of a refusal: the row of the table. There is no way round it (DEV-05)."""
    return _(
        "Table 2-34 no. %(number)d: %(name)s is forbidden. It cannot be permitted on application either."
    ) % {"number": row.number, "name": row.name}


def grant_problem(kind: str, grant: str) -> str:
    """Why this grant cannot be given to this kind; "" when the table has the combination (DEV-04)."""
    row = TABLE_2_33[kind]
    if grant == row.grant:
        return ""
    return _("Table 2-33 no. %(number)d: for %(name)s an application can only give “%(grant)s”.") % {
        "number": row.number,
        "name": DeviceKind(kind).label,
        "grant": row.grant.label,
    }


def unknown_kind() -> str:
    """What is said about a kind that neither table has."""
    return _("Only the kinds of table 2-33 can be permitted. Choose one of the list.")
