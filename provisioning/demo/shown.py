"""What the demonstration's catalogue displays of its items (行政许可法 30): made up, on laws that exist."""

from typing import Any

from provisioning.demo.city import Item

PUBLISHED_ON = "2026-01-05"
_BASIS = {
    "SX0101": "《土地管理法》第六十二条",
    "SX0102": "《城乡规划法》第四十一条",
    "SX0103": "《森林法》第五十七条",
    "SX0104": "《农药管理条例》第二十四条",
    "SX0105": "《动物防疫法》第二十五条",
    "SX0201": "《食品安全法》第三十五条",
    "SX0202": "《市场主体登记管理条例》第三条",
    "SX0203": "《公共场所卫生管理条例》第四条",
    "SX0301": "《社会救助暂行办法》第九条",
    "SX0302": "《残疾人保障法》第四十八条",
    "SX0303": "《社会救助暂行办法》第四十七条",
    "SX0304": "《公共租赁住房管理办法》第七条",
    "SX0305": "《就业促进法》第十七条",
    "SX0401": "《城市市容和环境卫生管理条例》第十一条",
    "SX0402": "《城市道路管理条例》第三十一条",
    "SX0601": "《道路交通安全法》第十二条",
    "SX0602": "《道路交通安全法》第十二条",
    "SX0603": "《道路交通安全法》第十九条",
    "SX0604": "《校车安全管理条例》第二十三条",
}
_TAX = "《税收征收管理法》第三条"


def content(item: Item) -> dict[str, Any]:
    """One version of the catalogue's entry, as `item_version` keeps it."""
    who = "经营者" if item.firm else "本人"
    papers = ["营业执照副本", "经办人身份证件"] if item.firm else ["居民身份证", "户口簿"]
    return {
        "code": item.code,
        "name": item.name,
        "legal_days": item.legal_days,
        "promised_days": item.promised_days,
        "basis": _BASIS.get(item.code, _TAX),
        "conditions": f"{who}提出申请，材料齐全、符合法定形式",
        "quantity": "无数量限制",
        "procedure": "申请、受理、审查、决定、送达",
        "materials": [f"{item.name}申请表", *papers],
        "sample": "各窗口备有填写样张",
        "fees": {"不收费": "0"},
        "published_on": PUBLISHED_ON,
        "persons": [{"name": f"{item.section}负责人"}],
    }
