"""A case is planned whole when it is filed: every stage with its instants, from the random numbers of its day alone.

So the same seed gives the same cases whether they are worked live or written as history, and nothing but the clock
decides what is already known of them (`sheet.py`). Times count as the law counts them: from acceptance, in working
days, without a pause.
"""

import random
from datetime import date, datetime

from msgspec import Struct

from common.core.state import StepKind
from provisioning.demo import people
from provisioning.demo.city import ITEMS, PLACES, Item, Site
from provisioning.demo.hours import DAY_SECS, Hours
from provisioning.demo.people import Staff

GRANTED, DENIED, REFUSED, WITHDRAWN = "准予许可", "不予许可", "不予受理", "申请人撤回"
CHANNELS = ("窗口", "网上申报", "邮寄")
_MINUTE = 60
_LAST_RECEIPT = DAY_SECS - 60 * _MINUTE
# Shares of all cases, except PAUSED: of those whose item has a special procedure.
_REFUSED, _SUPPLEMENTED, _PAUSED, _DENIED, _WITHDRAWN = 0.02, 0.06, 0.3, 0.03, 0.01
_LATE, _NEAR = 0.008, 0.09
_SECTION = {StepKind.CHECK, StepKind.PAUSE, StepKind.RESUME}


class Stage(Struct, frozen=True):
    """One stage of a case, from its first to its last instant."""

    kind: StepKind
    name: str
    org: str
    actor: str
    opinion: str
    started_at: datetime
    finished_at: datetime


class Life(Struct, frozen=True):
    """One case from receipt to delivery."""

    number: str
    item: Item
    applicant: str
    phone: str
    channel: str
    org: str
    responsible: str
    outcome: str
    stages: tuple[Stage, ...]

    def moments(self) -> list[datetime]:
        """When something happens, rising."""
        return sorted({at for stage in self.stages for at in (stage.started_at, stage.finished_at)})


def lives(site: Site, day: date, hours: Hours, seed: int) -> list[Life]:
    """The cases that `site` receives on the working day `day`, in order of receipt."""
    team = people.staff(random.Random(f"{seed}:{site.id}"))
    rng = random.Random(f"{seed}:{site.id}:{day}")
    count = rng.randint(site.daily * 2 // 3, site.daily * 4 // 3)
    receipts = sorted(rng.randrange(_LAST_RECEIPT) for _ in range(count))
    prefix = f"3799{day:%Y%m%d}{site.id[1:]}"
    return [
        _Course(rng, hours, site, team, hours.at(day, second)).life(f"{prefix}{place:03}")
        for place, second in enumerate(receipts, 1)
        if place != site.hidden
    ]


class _Course:
    """Lays out the stages of one case, one after the other."""

    def __init__(self, rng: random.Random, hours: Hours, site: Site, team: Staff, received: datetime) -> None:
        self._rng = rng
        self._hours = hours
        self._site = site
        self._item = rng.choice([item for item in ITEMS if site.desk in item.desks])
        self._clerk = rng.choice(team.clerks)
        self._reviewer = rng.choice(team.reviewers)
        self._chief = team.chief
        self._now = received
        self._stages: list[Stage] = []

    def life(self, number: str) -> Life:
        outcome = self._proceed() if self._accept() else REFUSED
        rng, item = self._rng, self._item
        return Life(
            number=number,
            item=item,
            applicant=people.firm(rng, rng.choice(PLACES)) if item.firm else people.person(rng),
            phone=people.phone(rng),
            channel=rng.choices(CHANNELS, (70, 25, 5))[0],
            org=f"{self._site.name}{item.section}",
            responsible=self._reviewer,
            outcome=outcome,
            stages=tuple(self._stages),
        )

    def _accept(self) -> bool:
        """From receipt to acceptance, or to the refusal of it."""
        self._stage(StepKind.RECEIVE, "窗口收件", "出具收件凭证", self._mins(3, 15))
        if self._rng.random() < _REFUSED:
            self._stage(
                StepKind.REFUSE, "不予受理", "不属于本机关职权范围，出具不予受理通知书", self._mins(5, 30)
            )
            return False
        if self._rng.random() < _SUPPLEMENTED:
            days = self._rng.randint(1, 3)
            self._stage(
                StepKind.SUPPLEMENT,
                "告知补正",
                "已一次性告知需要补正的材料",
                self._hours.later(self._now, days * DAY_SECS),
            )
        self._stage(StepKind.ACCEPT, "受理", "材料齐全，符合法定形式，予以受理", self._mins(5, 30))
        return True

    def _proceed(self) -> str:
        """From acceptance to delivery. -> outcome."""
        accepted, total = self._now, self._length()
        self._now = self._hours.later(accepted, int(total * self._rng.uniform(0.02, 0.1)))
        pause = self._pause(accepted, total)
        until = self._hours.later(accepted, int(total * self._rng.uniform(0.6, 0.9)) + pause)
        self._stage(StepKind.CHECK, "复核" if pause else "审查", "经审查，材料真实有效", until)
        if self._rng.random() < _WITHDRAWN:
            self._stage(StepKind.OTHER, "撤回申请", "申请人书面申请撤回", self._now)
            return WITHDRAWN
        outcome = DENIED if self._rng.random() < _DENIED else GRANTED
        self._stage(StepKind.DECIDE, "决定", outcome, self._hours.later(accepted, total + pause))
        self._stage(StepKind.DELIVER, "送达", "决定书（证件）已送达申请人", self._mins(10, 700))
        return outcome

    def _pause(self, accepted: datetime, total: int) -> int:
        """A special procedure, perhaps, with the review before it. -> its length in working time."""
        if not self._item.special or self._rng.random() >= _PAUSED:
            return 0
        pause = self._rng.randint(2, 8) * DAY_SECS
        begin = self._hours.later(accepted, int(total * self._rng.uniform(0.2, 0.5)))
        end = self._hours.later(begin, pause)
        name = self._item.special
        self._stage(StepKind.CHECK, "审查", f"需要组织{name}", begin)
        self._stage(StepKind.PAUSE, f"{name}（停表）", f"依法组织{name}，所需时间不计入办理期限", end)
        self._stage(StepKind.RESUME, "恢复计时", f"{name}已经完成", end)
        return pause

    def _length(self) -> int:
        """Working time from acceptance to decision: mostly well in time, some near the limit, a few past it."""
        promised, luck = self._item.promised_days, self._rng.random()
        if luck < _LATE:
            days = promised + self._rng.randint(1, 8)
        elif luck < _LATE + _NEAR:
            days = promised - self._rng.randint(0, 1)
        else:
            days = self._rng.randint(promised // 5, max(0, min(promised * 7 // 10, promised - 2)))
        second = self._hours.second(self._now)
        lowest = 0 if days else second + 10 * _MINUTE
        return days * DAY_SECS + self._rng.randrange(lowest, DAY_SECS) - second

    def _mins(self, least: int, most: int) -> datetime:
        return self._hours.later(self._now, self._rng.randint(least * _MINUTE, most * _MINUTE))

    def _stage(self, kind: StepKind, name: str, opinion: str, until: datetime) -> None:
        if kind is StepKind.DECIDE:
            org, actor = "分管领导", self._chief
        elif kind in _SECTION:
            org, actor = self._item.section, self._reviewer
        else:
            org, actor = "综合窗口", self._clerk
        self._stages.append(Stage(kind, name, org, actor, opinion, self._now, until))
        self._now = until
