"""What the law says of one history, told by ticking through the days one at a time. Never imports the engine's clock.

Days are ordinals (`date.toordinal`), instants microseconds. Written from supervision.md 3.2 to 3.4 by another method
than the hall's: no arithmetic on remaining days, every day is looked at and counted or not.
"""

from collections.abc import Sequence
from datetime import date

from msgspec import Struct

DAY = 86_400_000_000
HOUR = DAY // 24
EPOCH = date(1970, 1, 1).toordinal()
EAST = 8 * HOUR
FAR = 10**7


class When(Struct, frozen=True):
    """A stated time: the day, and the instant where the source has one."""

    day: int
    at: int | None = None

    @property
    def latest(self) -> int:
        """A date without a time is over at its end."""
        return midnight(self.day + 1) if self.at is None else self.at


class Pause(Struct, frozen=True):
    first: When
    last: When | None = None
    told: When | None = None
    listed: bool = True  # one of the eight procedures, and of those that the item allows


class Longer(Struct, frozen=True):
    approved: When
    told: When | None
    days: int | None


class Told(Struct, frozen=True, kw_only=True):
    """What is known of a case at one look."""

    received: When | None = None
    accepted: When | None = None
    noticed: When | None = None  # what is missing was said
    finished: When | None = None
    ended: bool = False  # whatever the time, the source says that it is over
    pauses: Sequence[Pause] = ()
    resumed: Sequence[When] = ()
    longer: Sequence[Longer] = ()


class Days(Struct, frozen=True):
    """One version of the calendar: bytes 1/0 by day from `first` on, published up to and with `edge`."""

    works: bytes
    first: int
    edge: int

    def work(self, day: int) -> bool:
        return bool(self.works[day - self.first])


def midnight(day: int) -> int:
    return (day - EPOCH) * DAY - EAST


def day_at(at: int) -> int:
    return (at + EAST) // DAY + EPOCH


class End(Struct, frozen=True):
    due: int | None  # None: it stands still
    yellow: int


def run(start: int, limit: int, told: Told, days: Days) -> End:
    """Tick from `start` until the limit is over, or stands still for good.

    `counted`: the working days since the count last began, on the day `since`, with `whole` days to go then.
    """
    spans, longer = _spans(told), _longer(told)
    lead = max(1, -(-limit // 10))
    whole, since, counted = limit, start, list[int]()
    stopped = used = False
    end: int | None = None
    day = start
    while True:
        works = days.work(day)
        if works and not stopped and day > since:
            counted.append(day)
        if not stopped and end is None and len(counted) >= whole and works:
            end = day  # used up; where nothing was left on a day off, the next working day
        if end is not None and end < day:
            return End(end, counted[whole - lead - 1] if whole > lead else since)
        if stopped and not any(first <= day < last for first, last in spans):
            whole, since, counted, stopped = whole - len(counted), day, [], False
            end = day if works and whole <= 0 else None
        for at, more in longer:
            if not used and max(at, start) == day:
                whole, used = whole + more, True
                end = day if works and not stopped and len(counted) >= whole else None
        if not stopped and any(first <= day < last for first, last in spans):
            stopped, end = True, None
        if stopped and any(first <= day and last == FAR for first, last in spans):
            return End(None, since)
        day += 1


def _spans(told: Told) -> list[tuple[int, int]]:
    """First and last day of what stops the clock; FAR: it has not ended."""
    found = []
    for one in told.pauses:
        first = one.first.day
        if not one.listed or (one.told is not None and one.told.day > first):
            continue
        own = one.last.day if one.last is not None and one.last.day > first else FAR
        last = min((when.day for when in told.resumed if when.day >= first), default=own)
        found.append((first, last))
    return found


def _longer(told: Told) -> list[tuple[int, int]]:
    found = []
    for one in told.longer:
        day = max(one.approved.day, one.told.day if one.told else 0)
        found.append((day, min(one.days or 10, 10)))
    return sorted(found)


def known_by(told: Told, now: int) -> Told:
    """Without what is dated after `now`."""
    today = day_at(now)
    finished = told.finished
    if finished is not None and (finished.day > today if finished.at is None else finished.at > now + HOUR):
        finished = None
    pauses = [
        Pause(
            one.first, one.last if one.last is None or one.last.day <= today else None, one.told, one.listed
        )
        for one in told.pauses
        if one.first.day <= today
    ]
    return Told(
        received=told.received,
        accepted=told.accepted,
        noticed=told.noticed,
        finished=finished,
        ended=told.ended,
        pauses=pauses,
        resumed=[one for one in told.resumed if one.day <= today],
        longer=told.longer,
    )


def start_of(told: Told, days: Days, now: int, *, receipt_counts: bool) -> tuple[int | None, int]:
    """The day from which the decision's limits run (article 32: silence for five working days is acceptance), and the
    instant up to which everything must be known to say so."""
    accepted = told.accepted.day if told.accepted else None
    if told.received is None or not receipt_counts:
        return accepted, 0
    filed = told.received.day
    while not days.work(filed):
        filed += 1
    last, left = filed, 5
    while left:
        last += 1
        left -= days.work(last)
    over = midnight(last + 1)
    spoken = [when.day for when in (told.accepted, told.noticed, told.finished) if when is not None]
    if spoken:
        return (accepted, 0) if min(spoken) <= last or last > days.edge else (filed, over)
    return (filed, over) if not told.ended and now > over and last <= days.edge else (None, 0)


def light(
    start: int, limit: int, told: Told, days: Days, whole_until: int | None, now: int, proof: int = 0
) -> tuple[str, int]:
    """The light that the facts show at `now`, and its due instant; a red one that was lit before is not known here."""
    if told.ended and told.finished is None:
        return "none", 0  # over, and nobody knows when: that accuses nobody
    end = run(start, limit, told, days)
    if end.due is None:
        return ("paused" if told.finished is None else "green"), 0
    due = midnight(end.due + 1)
    if told.finished is None:
        late = now > due
    elif told.finished.at is None:
        late = told.finished.day > end.due
    else:
        late = told.finished.at > due
    if not late:
        waits = told.finished is None and now >= midnight(end.yellow)
        return ("yellow" if waits else "green"), due
    proven = whole_until is not None and whole_until >= max(due, proof)
    return ("red" if proven and end.due <= days.edge else "grey"), due
