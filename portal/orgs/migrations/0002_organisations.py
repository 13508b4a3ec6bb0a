"""Reference data: the parties of the network (ORG-01)."""

from django.db import migrations

PREFECTURES = (
    "北海道 青森県 岩手県 宮城県 秋田県 山形県 福島県 茨城県 栃木県 群馬県 埼玉県 千葉県 東京都 神奈川県 新潟県 富山県 石川県 福井県 "
    "山梨県 長野県 岐阜県 静岡県 愛知県 三重県 滋賀県 京都府 大阪府 兵庫県 奈良県 和歌山県 鳥取県 島根県 岡山県 広島県 山口県 徳島県 "
    "香川県 愛媛県 高知県 福岡県 佐賀県 長崎県 熊本県 大分県 宮崎県 鹿児島県 沖縄県"
).split()
OTHERS = (
    ("staging", "STAGING", "ステージング国民健康保険団体連合会", "ステージング国保連合会"),
    ("central", "CENTRAL", "国民健康保険中央会", "国保中央会"),
    ("operations", "OPERATIONS", "共通ネットワークシステム運用", "共通NW運用"),
    ("maintenance", "MAINTENANCE", "共通ネットワークシステム保守", "共通NW保守"),
)


def create(apps, schema_editor):
    organisation = apps.get_model("orgs", "Organisation")
    for number, prefecture in enumerate(PREFECTURES, start=1):
        organisation.objects.create(
            code=f"{number:02}",
            kind="FEDERATION",
            name=f"{prefecture}国民健康保険団体連合会",
            short_name=f"{prefecture}国保連合会",
            prefecture_number=number,
            ou_name=f"{number:02}",
            sort_order=number,
        )
    for order, (code, kind, name, short_name) in enumerate(OTHERS, start=101):
        organisation.objects.create(
            code=code, kind=kind, name=name, short_name=short_name, ou_name=code, sort_order=order
        )


class Migration(migrations.Migration):
    dependencies = [("orgs", "0001_initial")]
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
