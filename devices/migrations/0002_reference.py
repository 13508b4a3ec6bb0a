"""Reference data of the register of machines (CNS ③(e), DEV-11), and the history that nobody can change."""

import datetime as dt

from django.db import migrations

from portal.common.models import insert_only

SINCE = dt.date(2018, 10, 1)
KINDS = (
    # code, name, takes devices, has an operating system
    ("client", "業務クライアント", True, True),
    ("admin_client", "運用管理クライアント", True, True),
    ("server", "サーバ", True, True),
    ("virtual_server", "仮想サーバ", False, True),
    ("printer", "プリンタ等", False, False),
)
SYSTEMS = (
    ("win10_2016_ltsb", "Microsoft Windows 10 Enterprise 2016 LTSB（64ビット）", True),
    ("winserver_2016", "Microsoft Windows Server 2016", True),
    ("other", "その他（デバイス制御の対象外）", False),
)
BUSINESS = (
    ("common", "共通ネットワークシステム", False),
    ("care", "介護保険システム", False),
    ("disability", "障害者総合支援システム", False),
    ("claims", "電子請求受付システム", False),
    ("own", "独自処理システム", True),
)


def create(apps, schema_editor):
    for position, (code, name, takes_devices, has_system) in enumerate(KINDS, start=1):
        apps.get_model("devices", "ComputerKind").objects.create(
            code=code,
            name=name,
            takes_devices=takes_devices,
            has_system=has_system,
            position=position,
            valid_from=SINCE,
        )
    for position, (code, name, takes_devices) in enumerate(SYSTEMS, start=1):
        apps.get_model("devices", "OperatingSystem").objects.create(
            code=code, name=name, takes_devices=takes_devices, position=position, valid_from=SINCE
        )
    for position, (code, name, is_own) in enumerate(BUSINESS, start=1):
        apps.get_model("devices", "BusinessSystem").objects.create(
            code=code, name=name, is_own=is_own, position=position, valid_from=SINCE
        )


class Migration(migrations.Migration):
    dependencies = [("devices", "0001_initial")]
    operations = [
        insert_only("devices_computerevent"),
        migrations.RunPython(create, migrations.RunPython.noop),
    ]
