"""The demonstration's city as data: 18 sites, what each handles, and what law and office promise; no real place."""

from enum import StrEnum

from msgspec import Struct

from common.core.state import SiteKind


class Desk(StrEnum):
    """What kind of business a site does: it says which items of the catalogue it handles."""

    TOWNSHIP = "township"
    STREET = "street"
    NATIONAL_TAX = "national_tax"
    LOCAL_TAX = "local_tax"
    VEHICLES = "vehicles"


class Site(Struct, frozen=True):
    """One office. `vendor` names its software (`vendors/`), `daily` how many cases a working day brings, `hidden` which of a day's cases
    it handles outside the system, so that its number is missing; 0: none.
    """

    id: str
    name: str
    kind: SiteKind
    desk: Desk
    vendor: str
    daily: int
    hidden: int = 0


class Item(Struct, frozen=True):
    """An entry of the catalogue; days are working days.

    `special`: the procedure of 行政许可法 45 that may stop the clock; empty where there is none.
    """

    code: str
    name: str
    legal_days: int
    promised_days: int
    section: str
    desks: frozenset[Desk]
    special: str = ""
    firm: bool = False
    """The applicant is a business, not a person."""


def _township(number: int, name: str, vendor: str, daily: int) -> Site:
    return Site(f"s{number:02}", name, SiteKind.TOWNSHIP, Desk.TOWNSHIP, vendor, daily)


def _street(number: int, name: str, daily: int) -> Site:
    return Site(f"s{number:02}", name, SiteKind.STREET, Desk.STREET, "pinyin", daily)


SITES = (
    _township(1, "云溪镇", "chinese", 12),
    _township(2, "石桥镇", "gbk", 11),
    _township(3, "柳林镇", "chinese", 12),
    _township(4, "青峪镇", "gbk", 10),
    _township(5, "平川镇", "chinese", 14),
    _township(6, "龙泉镇", "gbk", 11),
    _township(7, "松岭乡", "chinese", 7),
    _township(8, "北山乡", "gbk", 7),
    _township(9, "禾丰乡", "chinese", 8),
    _township(10, "双河乡", "gbk", 8),
    _street(11, "东关街道", 17),
    _street(12, "西城街道", 16),
    _street(13, "南苑街道", 14),
    _street(14, "北苑街道", 13),
    _street(15, "新华街道", 15),
    Site("s16", "国税分厅", SiteKind.BRANCH, Desk.NATIONAL_TAX, "split", 30),
    Site("s17", "地税分厅", SiteKind.BRANCH, Desk.LOCAL_TAX, "split", 24),
    Site("s18", "车管所", SiteKind.BRANCH, Desk.VEHICLES, "pinyin", 36, hidden=11),
)
PLACES = tuple(site.name[:2] for site in SITES if site.kind is not SiteKind.BRANCH)

_TOWN = frozenset({Desk.TOWNSHIP})
_STREET = frozenset({Desk.STREET})
_BOTH = _TOWN | _STREET
_NATIONAL = frozenset({Desk.NATIONAL_TAX})
_LOCAL = frozenset({Desk.LOCAL_TAX})
_TAX = _NATIONAL | _LOCAL
_CARS = frozenset({Desk.VEHICLES})

ITEMS = (
    Item("SX0101", "农村宅基地审批", 20, 12, "自然资源所", _TOWN),
    Item("SX0102", "乡村建设规划许可", 20, 10, "自然资源所", _TOWN, special="专家评审"),
    Item("SX0103", "林木采伐许可", 20, 9, "林业站", _TOWN, special="专家评审"),
    Item("SX0104", "农药经营许可", 20, 10, "农业综合服务站", _TOWN, firm=True),
    Item("SX0105", "动物防疫条件合格证核发", 20, 12, "畜牧兽医站", _TOWN, special="检疫检测", firm=True),
    Item("SX0201", "食品经营许可（新办）", 20, 10, "市场监督管理所", _BOTH, firm=True),
    Item("SX0202", "个体工商户设立登记", 15, 3, "市场监督管理所", _BOTH),
    Item("SX0203", "公共场所卫生许可", 20, 6, "卫生监督所", _BOTH, special="卫生检测", firm=True),
    Item("SX0301", "城市低保申请", 20, 8, "民政办公室", _STREET),
    Item("SX0302", "残疾人两项补贴", 20, 7, "民政办公室", _BOTH),
    Item("SX0303", "临时救助申请", 20, 5, "民政办公室", _BOTH),
    Item("SX0304", "公共租赁住房资格审核", 20, 12, "住房保障办公室", _STREET),
    Item("SX0305", "灵活就业社保补贴申领", 20, 7, "劳动保障所", _STREET),
    Item("SX0401", "户外广告设置许可", 20, 5, "城市管理办公室", _STREET, special="专家评审", firm=True),
    Item("SX0402", "临时占用城市道路许可", 20, 6, "城市管理办公室", _STREET, firm=True),
    Item("SX0501", "发票票种核定", 20, 2, "税源管理科", _NATIONAL, firm=True),
    Item("SX0502", "增值税专用发票最高开票限额审批", 20, 5, "税政管理科", _NATIONAL, firm=True),
    Item("SX0503", "延期申报核准", 20, 3, "税源管理科", _TAX, firm=True),
    Item("SX0504", "延期缴纳税款核准", 20, 8, "税政管理科", _TAX, firm=True),
    Item("SX0505", "房产税减免核准", 20, 7, "税政管理科", _LOCAL, firm=True),
    Item("SX0506", "土地增值税清算审核", 20, 15, "税政管理科", _LOCAL, special="价格鉴定", firm=True),
    Item("SX0601", "机动车转移登记", 10, 2, "登记科", _CARS),
    Item("SX0602", "机动车抵押登记", 10, 2, "登记科", _CARS),
    Item("SX0603", "机动车驾驶证补换领", 10, 3, "驾驶人管理科", _CARS),
    Item("SX0604", "校车驾驶资格许可", 20, 5, "驾驶人管理科", _CARS),
)
