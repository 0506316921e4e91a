"""The step limits of three municipalities' permits: at each due instant the engine calls late what a naive count does."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from central.core import calendar as calendars
from central.core import case as cases
from central.core import rules
from central.core.calendar import Calendar, CalendarData
from common.core.instant import SECOND, to_us
from common.core.record import Case, Step
from common.core.state import ClockKind, Light, StepKind
from tests.law.histories import DATA
from tests.real import logs

ZONE = ZoneInfo("Asia/Shanghai")
_PUBLISHED = calendars.published_days(msgspec.json.decode(DATA.read_bytes(), type=CalendarData))
CALENDAR = Calendar(1, _PUBLISHED[0][0], [works for _, works, _ in _PUBLISHED])


def _instant(text: str) -> int:
    """Midnight is a day, which is over at its end."""
    moment = datetime.fromisoformat(text)
    if (moment.hour, moment.minute, moment.second) == (0, 0, 0):
        return to_us(datetime.combine(moment.astimezone(ZONE).date() + timedelta(days=1), time(), ZONE))
    return to_us(moment)


def test_steps_that_were_late_are_called_late_a_second_after_their_due_instant() -> None:
    logs.needed()
    naive = engine = seen = 0
    for site in logs.municipalities(None, 1).values():
        for logged in site:
            accepted = logged.values["accepted_at"]
            for line in logged.steps:
                if not line["due_at"] or _instant(line["due_at"]) <= _instant(accepted):
                    continue
                now = _instant(line["due_at"]) + SECOND
                is_open = _instant(line["happened_at"]) > now
                seen += 1
                naive += is_open
                step = Step(
                    case_key="1",
                    step_name=line["step_name"],
                    kind=StepKind.OTHER,
                    started_at=accepted,
                    finished_at=None if is_open else line["happened_at"],
                    due_at=line["due_at"],
                )
                rows = [
                    cases.Row("case", "1", deleted=False, body=Case(case_key="1", accepted_at=accepted)),
                    cases.Row("step", "1", deleted=False, body=step),
                ]
                state = cases.as_of(cases.fold("1", rows, ZONE), now, ZONE)
                found = rules.verdicts(state, None, CALENDAR, lambda *_: Light.NONE, now, now, ZONE)
                late = [
                    one for one in found if one.limit.kind is ClockKind.STEP and one.why.startswith("超过")
                ]
                engine += len(late)
                assert all(one.light is Light.YELLOW for one in late), "a step accuses nobody"
    assert seen > 7_000
    assert engine == naive > 1_000
