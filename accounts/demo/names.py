# ruff: noqa: SIM905 - tables of words read better as text
"""Names, departments and reasons as they occur in federations. Every combination is invented."""

from __future__ import annotations

import random
from dataclasses import dataclass

# Kanji, reading, romanised.
FAMILY = tuple(
    tuple(entry.split("/"))
    for entry in """
佐藤/サトウ/sato 鈴木/スズキ/suzuki 高橋/タカハシ/takahashi 田中/タナカ/tanaka 伊藤/イトウ/ito 渡辺/ワタナベ/watanabe
山本/ヤマモト/yamamoto 中村/ナカムラ/nakamura 小林/コバヤシ/kobayashi 加藤/カトウ/kato 吉田/ヨシダ/yoshida 山田/ヤマダ/yamada
佐々木/ササキ/sasaki 山口/ヤマグチ/yamaguchi 松本/マツモト/matsumoto 井上/イノウエ/inoue 木村/キムラ/kimura 林/ハヤシ/hayashi
斎藤/サイトウ/saito 清水/シミズ/shimizu 山崎/ヤマザキ/yamazaki 森/モリ/mori 池田/イケダ/ikeda 橋本/ハシモト/hashimoto
阿部/アベ/abe 石川/イシカワ/ishikawa 山下/ヤマシタ/yamashita 中島/ナカジマ/nakajima 石井/イシイ/ishii 小川/オガワ/ogawa
前田/マエダ/maeda 岡田/オカダ/okada 長谷川/ハセガワ/hasegawa 藤田/フジタ/fujita 後藤/ゴトウ/goto 近藤/コンドウ/kondo
村上/ムラカミ/murakami 遠藤/エンドウ/endo 青木/アオキ/aoki 坂本/サカモト/sakamoto 藤井/フジイ/fujii 西村/ニシムラ/nishimura
福田/フクダ/fukuda 太田/オオタ/ota 三浦/ミウラ/miura 岡本/オカモト/okamoto 松田/マツダ/matsuda 中川/ナカガワ/nakagawa
中野/ナカノ/nakano 原田/ハラダ/harada 小野/オノ/ono 田村/タムラ/tamura 竹内/タケウチ/takeuchi 金子/カネコ/kaneko
和田/ワダ/wada 中山/ナカヤマ/nakayama 石田/イシダ/ishida 上田/ウエダ/ueda 森田/モリタ/morita 髙木/タカギ/takagi
""".split()
)
GIVEN = tuple(
    tuple(entry.split("/"))
    for entry in """
美咲/ミサキ/misaki 健一/ケンイチ/kenichi 直子/ナオコ/naoko 誠/マコト/makoto 彩/アヤ/aya 大輔/ダイスケ/daisuke
陽子/ヨウコ/yoko 拓也/タクヤ/takuya 恵子/ケイコ/keiko 翔太/ショウタ/shota 由美/ユミ/yumi 浩二/コウジ/koji
さくら/サクラ/sakura 隆/タカシ/takashi 真由美/マユミ/mayumi 雄太/ユウタ/yuta 千尋/チヒロ/chihiro 修/オサム/osamu
明日香/アスカ/asuka 和也/カズヤ/kazuya 久美子/クミコ/kumiko 亮/リョウ/ryo 舞/マイ/mai 哲也/テツヤ/tetsuya
裕子/ユウコ/yuko 達也/タツヤ/tatsuya 愛/アイ/ai 剛/ツヨシ/tsuyoshi 優子/ユウコ/yuko 俊介/シュンスケ/shunsuke
智子/トモコ/tomoko 悠斗/ユウト/yuto 香織/カオリ/kaori 正樹/マサキ/masaki 沙織/サオリ/saori 秀樹/ヒデキ/hideki
瞳/ヒトミ/hitomi 慎一/シンイチ/shinichi 奈々/ナナ/nana 康平/コウヘイ/kohei 理恵/リエ/rie 純/ジュン/jun
""".split()
)
DEPARTMENTS = (
    "総務課 企画調整課 審査第一課 審査第二課 審査第三課 審査管理課 保険者支援課 保健事業課 介護保険課 障害者総合支援課 "
    "後期高齢者医療課 情報管理課 システム運用課 会計課"
).split()
REASONS = (
    "4月1日付けの人事異動で着任するため。",
    "10月1日付けの人事異動で審査業務を担当するため。",
    "新規採用職員の業務端末を使用するため。",
    "育児休業から復帰し、業務端末を再び使用するため。",
    "介護保険審査の繁忙期に応援職員として従事するため。",
    "会計年度任用職員として任用されたため。",
    "保健事業の担当者が増員となったため。",
    "派遣職員の契約開始に伴い必要となるため。",
    "組織改編により担当課が変わるため。",
    "退職者の後任として業務を引き継ぐため。",
)
RESET_REASONS = (
    "長期休暇の後、パスワードを失念したため。",
    "有効期限が切れた後、変更に失敗したため。",
    "入力を繰り返し誤り、ログオンできないため。",
)
RETURN_COMMENTS = (
    "所属の課名を発令簿と合わせてください。",
    "フリガナに誤りがあります。直して再度申請してください。",
    "受信担当者を課の担当者に変更してください。",
    "着任日が分かるよう、理由に日付を書いてください。",
)


@dataclass(frozen=True, slots=True)
class Name:
    """One invented person's name in every form that a form asks for."""

    family: str
    given: str
    family_kana: str
    given_kana: str
    romaji: str  # of the family name, for login names
    initial: str  # of the given name

    @property
    def full(self) -> str:
        return f"{self.family} {self.given}"

    @property
    def kana(self) -> str:
        return f"{self.family_kana} {self.given_kana}"


def draw_name(dice: random.Random) -> Name:
    """Some person."""
    family, given = dice.choice(FAMILY), dice.choice(GIVEN)
    return Name(
        family=family[0],
        given=given[0],
        family_kana=family[1],
        given_kana=given[1],
        romaji=family[2],
        initial=given[2][0],
    )
