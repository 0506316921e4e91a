"""Rows of the hall's tables -> the state of the wall: section -> row -> field -> text, and what changed in it.

The first HTML and the stream are made from the same state, so they cannot disagree: a field holds its words as they are
shown, those for nothing too, and neither template nor script says others in their place. No citizen's name and no more
than four characters of a case number enter it.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from central.core import band, chart, news, site, wording
from central.core.band import Coverage
from central.core.dossier import Stage
from central.core.maintenance import Window
from central.core.news import Change
from central.core.site import Backlog, Signals
from common.core.instant import end_of_day, from_us
from common.core.state import ClockKind, Light, Link

State = dict[str, dict[str, dict[str, str]]]
QUEUE_ROWS = 7
TROUBLE_ROWS = 4
EVENT_ROWS = 6


class SiteFacts(Struct, frozen=True, kw_only=True):
    """One site as the tables know it now."""

    id: str
    name: str
    signals: Signals
    complete_until: int | None = None
    first_at: int | None = None
    arrived: dict[int, band.Arrived] = {}
    lights: dict[Light, int] = {}  # open cases
    ruled: dict[Light, int] = {}  # open cases by the lamp of their broken rules
    accepted: int = 0  # today
    finished: int = 0  # today
    held_upto: int = 0  # of the newest epoch
    backlog: Backlog | None = None
    planned: tuple[Window, ...] = ()  # maintenance of today

    @property
    def open(self) -> int:
        return sum(self.lights.values())


class Lit(Struct, frozen=True, kw_only=True):
    """One open case with a yellow or red light."""

    site: str
    site_name: str
    case_no: str | None
    item_name: str | None
    light: Light
    due_at: int
    clock: ClockKind | None
    late: bool
    step: Stage | None = None  # of its correction; None: there is none yet
    step_due: date | None = None  # the last day of what waits there
    undelivered: int = 0  # messages of that correction that did not arrive, and nobody has seen to


class Slow(Struct, frozen=True, kw_only=True):
    """Figures that change slowly and cost more to read."""

    month_finished: int = 0
    month_late: int = 0
    yesterday: int | None = None  # accepted up to the same hour of the last working day; None: no calendar
    changes: dict[date, tuple[int, int]] = {}  # day -> (yellow, red)
    due: dict[date, int] = {}  # day -> open cases that fall due
    workday: dict[date, bool] = {}


class Facts(Struct, frozen=True, kw_only=True):
    """Everything a wall is made of."""

    now_at: int
    now_wall: int
    zone: ZoneInfo
    sites: list[SiteFacts]
    lit: list[Lit]
    red_today: int
    late_today: int
    changes: list[Change]
    happenings: list[tuple[int, str, str]]  # office time, site, sentence
    slow: Slow
    undelivered: int = 0  # messages that did not arrive, and nobody has seen to
    pace: float | None = None  # of the demonstration: office seconds per real second


def compose(facts: Facts) -> State:
    """The whole wall as text."""
    links = {item.id: site.derive(item.signals, facts.now_wall, facts.now_at) for item in facts.sites}
    return {
        "h": _head(facts, links),
        "k": _figures(facts, links),
        "s": {item.id: _tile(item, links[item.id], facts) for item in facts.sites},
        "q": _queue(facts),
        "t": chart.trend(facts.slow.changes, from_us(facts.now_at, facts.zone).date()),
        "f": chart.forecast(facts.slow.due, facts.slow.workday, from_us(facts.now_at, facts.zone).date()),
        "n": _troubles(facts, links),
        "e": _events(facts),
    }


def changed(before: State, after: State) -> State:
    """The fields of `after` that differ; rows and fields are the same in both by construction."""
    delta: State = {}
    for section, rows in after.items():
        for row, fields in rows.items():
            old = before.get(section, {}).get(row, {})
            new = {name: value for name, value in fields.items() if old.get(name) != value}
            if new:
                delta.setdefault(section, {})[row] = new
    return delta


def _head(facts: Facts, links: Mapping[str, Link]) -> dict[str, dict[str, str]]:
    today = from_us(facts.now_at, facts.zone).date()
    known = facts.slow.workday.get(today)
    counts = {link: list(links.values()).count(link) for link in Link}
    shown = {
        link.value: {"n": str(count) if count else "", "v": link.value} for link, count in counts.items()
    }
    kind = "" if known is None else " · 工作日" if known else " · 休息日"
    return shown | {
        "day": {"text": f"{wording.day_and_weekday(today)}{kind}"},
        "sites": {"n": str(len(links))},
        "demo": {"text": "" if facts.pace is None else f"演示时间 · {facts.pace:g} 倍速"},
    }


def _lost(links: Mapping[str, Link]) -> list[Link]:
    """The states of the sites whose figures may be too low."""
    return [link for link in links.values() if link not in {Link.LIVE, Link.SLOW, Link.RETIRED}]


def _counted(links: Mapping[str, Link]) -> str:
    """`16/18 站齐全`; empty when all are."""
    total = sum(link is not Link.RETIRED for link in links.values())
    lost = len(_lost(links))
    return f"{total - lost}/{total} 站齐全" if lost else ""


def whole(links: Mapping[str, Link]) -> str:
    """The sentence that must stand beside every total which a silent site may make too low; empty if none."""
    lost = _lost(links)
    if not lost:
        return ""
    words = "，".join(
        f"{lost.count(link)} 个{'补传中' if link is Link.CATCHUP else link.word}"
        for link in Link
        if link in lost
    )
    total = sum(link is not Link.RETIRED for link in links.values())
    return f"{total} 个站点中 {total - len(lost)} 个齐全，{words}：合计可能偏低"


def _figures(facts: Facts, links: Mapping[str, Link]) -> dict[str, dict[str, str]]:
    lights = {light: sum(item.lights.get(light, 0) for item in facts.sites) for light in Light}
    accepted = sum(item.accepted for item in facts.sites)
    slow = facts.slow
    on_time = slow.month_finished - slow.month_late
    return {
        "accepted": {"n": wording.number(accepted), "sub": _counted(links) or _compared(slow.yesterday)},
        "finished": {
            "n": wording.number(sum(item.finished for item in facts.sites)),
            "sub": f"在办 {wording.number(sum(item.open for item in facts.sites))}",
        },
        "rate": {
            "n": wording.percent(on_time, slow.month_finished) or wording.NOTHING,
            "sub": f"超期办结 {wording.number(slow.month_late)} 件",
        },
        "grey": {
            "n": wording.number(lights[Light.GREY]),
            "sub": "数据未齐，不判红灯" if lights[Light.GREY] else "站点数据齐全",
        },
        "yellow": {
            "n": wording.number(lights[Light.YELLOW]),
            "unit": _unit(facts, Light.YELLOW),
            "sub": _soonest(facts),
        },
        "red": {
            "n": wording.number(lights[Light.RED]),
            "unit": _unit(facts, Light.RED),
            "sub": f"今日新亮 {facts.red_today}，补传判定 {facts.late_today}",
        },
        "partial": {"text": whole(links)},
    }


def _unit(facts: Facts, light: Light) -> str:
    """A fault is no lateness: what broken rules light is counted beside the clocks, not among them."""
    ruled = sum(item.ruled.get(light, 0) for item in facts.sites)
    return f"件，另有规则灯 {wording.number(ruled)} 件" if ruled else "件"


def _compared(yesterday: int | None) -> str:
    return "" if yesterday is None else f"上一工作日同时 {wording.number(yesterday)}"


def _soonest(facts: Facts) -> str:
    due = [item.due_at for item in facts.lit if item.light is Light.YELLOW]
    if not due:
        return "没有临近时限的办件"
    return "最早" + wording.light_left(Light.YELLOW, min(due), facts.now_at, facts.zone, facts.slow.workday)


def _tile(item: SiteFacts, link: Link, facts: Facts) -> dict[str, str]:
    words = site.describe(link, item.signals, item.backlog, facts.now_wall, facts.zone)
    letters = today_band(item, link, facts)
    heard = item.signals.heard_wall if link in {Link.LIVE, Link.SLOW} else None
    until = item.complete_until
    return _progress(item.backlog, facts.now_wall) | {
        "name": item.name,
        "link": link.value,
        "word": "" if link is Link.LIVE else words.word,
        "state": words.word,
        "note": words.note,
        "heard": str(heard // 1000) if heard else "",
        "record": str(item.signals.record_wall // 1000) if item.signals.record_wall else "",
        "until": wording.moment(until, facts.zone, facts.now_at) if until else wording.NOTHING,
        "backlog": _backlog(item.signals, link),
        "accepted": wording.number(item.accepted),
        "finished": wording.number(item.finished),
        "open": wording.number(item.open),
        "yellow": _some(item.lights.get(Light.YELLOW, 0)),
        "red": _some(item.lights.get(Light.RED, 0)),
        "grey": _some(item.lights.get(Light.GREY, 0)),
        "ruled": _some(sum(item.ruled.get(light, 0) for light in (Light.RED, Light.YELLOW))),
        "ruled_worst": (Light.RED if item.ruled.get(Light.RED) else Light.YELLOW).value,
        "ruled_red": _some(item.ruled.get(Light.RED, 0)),
        "ruled_yellow": _some(item.ruled.get(Light.YELLOW, 0)),
        "percent": words.percent,
        "bar": words.percent or "0%",
        "worst": _worst(item.lights).value,
        "band": band.runs(letters),
        "label": f"今日8至18时数据到达：{band.sentence(letters)}",
        "left": words.note or f"办结 {item.finished}",
        "right": "" if words.note else f"在办 {item.open}",
    }


def _backlog(signals: Signals, link: Link) -> str:
    """Rows that are on their way for longer than a moment."""
    waiting = signals.left if link is Link.CATCHUP else signals.rows
    return wording.number(waiting) if waiting > site.CATCHUP_ROWS else ""


def _progress(backlog: Backlog | None, now_wall: int) -> dict[str, str]:
    """One catch-up in figures, for the page of its site."""
    if backlog is None:
        return dict.fromkeys(("left_rows", "rate", "minutes"), "") | {"done": "0", "total": "0"}
    minutes = backlog.minutes(now_wall)
    return {
        "done": wording.number(backlog.done),
        "total": wording.number(backlog.done + backlog.left),
        "left_rows": wording.number(backlog.left),
        "rate": f"{backlog.per_second(now_wall):.1f}" if backlog.done else wording.NOTHING,
        "minutes": "正在估算" if minutes is None else f"约 {minutes} 分钟",
    }


def _some(count: int) -> str:
    return str(count) if count else ""


def _worst(lights: Mapping[Light, int]) -> Light:
    return max(
        (light for light, count in lights.items() if count), key=lambda item: item.rank, default=Light.NONE
    )


def today_band(item: SiteFacts, link: Link, facts: Facts) -> str:
    """The 40 letters of today's arrival band."""
    coverage = Coverage(item.first_at, item.complete_until, item.signals.left, link, item.planned)
    opens = band.opening(from_us(facts.now_at, facts.zone).date(), facts.zone)
    return band.cells(item.arrived, coverage, opens, facts.now_at)


def _queue(facts: Facts) -> dict[str, dict[str, str]]:
    ordered = sorted(facts.lit, key=lambda item: (-item.light.rank, item.due_at))[:QUEUE_ROWS]
    rows = {str(place): _queue_row(item, facts) for place, item in enumerate(ordered)}
    blank = dict.fromkeys(("light", "item", "where", "late", "main", "note", "href", "step", "stage"), "")
    counted = sum(item.lights.get(Light.RED, 0) + item.lights.get(Light.YELLOW, 0) for item in facts.sites)
    more = (
        f"共 {counted} 件，显示最急 {len(ordered)} 件"
        if counted > len(ordered)
        else "红灯在前，按剩余时间排列"
    )
    undelivered = f"{facts.undelivered} 条消息未送达 · " if facts.undelivered else ""
    empty = "" if ordered else f"没有待处置的红黄灯。{wording.clock(facts.now_at, facts.zone)} 核对。"
    return {str(place): rows.get(str(place), blank) for place in range(QUEUE_ROWS)} | {
        "all": {"more": undelivered + more, "empty": empty}
    }


def _queue_row(item: Lit, facts: Facts) -> dict[str, str]:
    limit = f"{item.clock.word if item.clock else '时限'} {wording.due(item.due_at, facts.zone)}"
    late = "补传判定" if item.late else ""
    failed = f"未送达 {item.undelivered}" if item.undelivered else ""
    tail = wording.tail(item.case_no) if item.case_no else ""
    tail = f"尾号 {tail}" if tail and not failed else tail  # a row has room for one word more
    # The number first: whatever is too long for a row is cut at its end.
    where = [tail, item.site_name, failed]
    return {
        "light": item.light.value,
        "item": item.item_name or "事项未填",
        "where": " · ".join(filter(None, where)),
        "late": late if item.step else "",
        "main": wording.light_left(item.light, item.due_at, facts.now_at, facts.zone, facts.slow.workday),
        "note": _step_left(item, facts) if item.step else " · ".join(filter(None, [late, limit])),
        "href": f"/hall/cases?site={item.site}&light={item.light.value}",
        "step": item.step.value if item.step else "",
        "stage": item.step.word if item.step else "",
    }


def _step_left(item: Lit, facts: Facts) -> str:
    """The running deadline of its correction."""
    if item.step_due is None:
        return ""
    due_at = end_of_day(item.step_due, facts.zone)
    return wording.time_left(due_at, facts.now_at, facts.zone, facts.slow.workday)


_TROUBLE_ORDER = [Link.STOPPED, Link.OFFLINE, Link.CATCHUP, Link.NEVER, Link.MAINTENANCE, Link.SLOW]


def _troubles(facts: Facts, links: Mapping[str, Link]) -> dict[str, dict[str, str]]:
    found = [item for item in facts.sites if links[item.id] in _TROUBLE_ORDER or item.signals.alarms]
    found.sort(key=lambda item: [*_TROUBLE_ORDER, Link.LIVE, Link.RETIRED].index(links[item.id]))
    rows = {
        str(place): _trouble(item, links[item.id], facts) for place, item in enumerate(found[:TROUBLE_ROWS])
    }
    blank = dict.fromkeys(("link", "name", "word", "note", "until"), "")
    hidden = len(found) - TROUBLE_ROWS
    checked = f"另有 {hidden} 个站点" if hidden > 0 else f"{wording.clock(facts.now_at, facts.zone)} 核对"
    empty = "" if found else f"{len(links)} 个站点全部实时，没有断线、停采或补传。"
    return {str(place): rows.get(str(place), blank) for place in range(TROUBLE_ROWS)} | {
        "all": {"checked": checked, "empty": empty}
    }


def _trouble(item: SiteFacts, link: Link, facts: Facts) -> dict[str, str]:
    words = site.describe(link, item.signals, item.backlog, facts.now_wall, facts.zone)
    until, alarms = item.complete_until, item.signals.alarms
    return {
        "link": link.value,
        "name": item.name,
        "word": f"{words.word} {words.percent}".rstrip(),
        "note": " · ".join(filter(None, [words.note, f"{alarms} 项告警待核实" if alarms else ""])),
        "until": f"数据齐到 {wording.moment(until, facts.zone, facts.now_at)}" if until else "",
    }


def _events(facts: Facts) -> dict[str, dict[str, str]]:
    told = [(at, name, text) for at, name, text in facts.happenings]
    told += [(item.judged_at, item.site_name, news.told(item)) for item in facts.changes]
    newest = sorted(told, reverse=True)[:EVENT_ROWS]
    blank = {"time": "", "site": "", "text": ""}
    rows = {
        str(place): {"time": from_us(at, facts.zone).strftime("%H:%M:%S"), "site": name, "text": text}
        for place, (at, name, text) in enumerate(newest)
    }
    return {str(place): rows.get(str(place), blank) for place in range(EVENT_ROWS)}


def last_workday(today: date, workday: Mapping[date, bool]) -> date | None:
    """The working day before `today`; None where the calendar does not say."""
    for back in range(1, 16):
        day = today - timedelta(days=back)
        if workday.get(day):
            return day
    return None
