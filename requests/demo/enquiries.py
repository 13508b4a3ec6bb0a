"""Enquiries and FAQ entries of the demonstration, made through the portal's own services."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from portal.orgs.models import Membership, Organisation, User
from portal.orgs.permissions import FEDERATIONS, OrganisationKind, Role
from requests.enquiries import services
from requests.enquiries.models import Enquiry
from requests.faq import services as faq
from requests.faq.models import FaqEntry

_FAQ = (
    (
        "ACCOUNTS",
        "パスワードの有効期限は何日ですか。延ばせますか。",
        "有効期限は90日です。業務の都合で延ばす必要がある場合は、期間と理由を添えて申請してください。期限の14日前、7日前、前日にメールでお知らせします。",
    ),
    (
        "NETWORK",
        "DNSレコードの追加には何日かかりますか。",
        "承認が済むと数分で反映します。反映後に両方のDNSサーバへ問い合わせ、結果を申請の画面に表示します。",
    ),
    (
        "DEVICES",
        "端末を交換するとき、MACアドレスの登録はどうすればよいですか。",
        "新しい端末の登録と、古い端末の削除を同じ申請にまとめてください。古い登録が残ると、差異として通知されます。",
    ),
)


def tell() -> int:
    """Three entries of the FAQ, and enquiries in each state; how many enquiries. Nothing when there are some."""
    operators = people_of(Role.OPERATOR, Organisation.objects.get(kind=OrganisationKind.OPERATIONS))
    if not operators or Enquiry.system.exists():
        return 0
    if len(operators) > 1 and not FaqEntry.objects.exists():
        _publish(*operators[:2])
    places = Organisation.objects.filter(kind__in=FEDERATIONS).order_by("sort_order")
    staffed = [(place, found[0]) for place in places if (found := people_of(Role.APPLICANT, place))]
    return sum(_ask(place, asker, operators[0]) for place, asker in staffed[:2])


def _publish(writer: User, second: User) -> None:
    for category, question, answer in _FAQ:
        now = timezone.now()
        version = faq.propose(
            entry_id=None,
            enquiry=None,
            category=category,
            question=question,
            answer=answer,
            actor=writer,
            now=now,
        )
        faq.publish(version_id=version.pk, actor=second, now=now)


def _ask(place: Organisation, asker: User, operator: User) -> int:
    now = timezone.now()
    common: dict[str, Any] = {
        "organisation": place,
        "actor": asker,
        "now": now,
        "desk": Enquiry.Desk.OPERATIONS,
    }
    services.ask(
        **common,
        category="SECURITY",
        subject="検疫の結果が反映されません",
        text="昨日パッチを適用した端末が、まだ不適合と表示されています。",
    )
    answered = services.ask(
        **common,
        category="DEVICES",
        subject="カードリーダーの申請区分",
        text="ICカードリーダーを新しく購入します。どの種別で申請すればよいですか。",
    )
    services.add_note(
        enquiry_id=answered.pk, text="型番の確認が必要。他の連合会でも同じ質問あり。", actor=operator, now=now
    )
    services.answer(
        enquiry_id=answered.pk,
        version=answered.version,
        text="「カードリーダー」で申請してください。型番と製造番号の入力が必要です。",
        actor=operator,
        now=now,
    )
    waiting = services.ask(
        **common,
        category="PORTAL",
        subject="一覧の印刷で列が切れます",
        text="アカウント一覧を印刷すると、右端の列が切れます。",
    )
    services.answer(
        enquiry_id=waiting.pk,
        version=waiting.version,
        text="表示している列の数と、お使いのブラウザを教えてください。",
        asks_back=True,
        actor=operator,
        now=now,
    )
    return 3


def people_of(role: str, organisation: Organisation) -> list[User]:
    """Active people who hold a role there, those who have it longest first."""
    rows = Membership.system.filter(organisation=organisation, role=role, ended_at=None, user__is_active=True)
    return [row.user for row in rows.select_related("user").order_by("pk")]
