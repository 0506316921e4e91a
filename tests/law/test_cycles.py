"""Cases that had ended and open again, filed anew or not: engine against oracle, looked at all along or only at the end."""

from datetime import date
from random import Random

from msgspec import Struct

from central.core import judgement
from central.core.case import Row
from central.core.item import Item
from central.core.judgement import Bench, Judged
from central.core.past import Law, Saying
from common.core.record import Case, Step
from common.core.state import CaseStatus, ClockKind, Light, StepKind
from tests.law import oracle
from tests.law.histories import LAWS, ZONE, text
from tests.law.oracle import HOUR, Pause, Told, When

ITEM = Item("SX1", "食品经营许可（新办）", 20, 20)
START = date(2025, 3, 3).toordinal()
HISTORIES = 300
Lights = dict[tuple[ClockKind, int], Light]


class Round(Struct, frozen=True):
    """One time that a case had ended. `filed`: the acceptance of its new filing."""

    ended: When
    again: When
    filed: When | None


def moment(day: int, hour: int) -> When:
    return When(day, oracle.midnight(day) + hour * HOUR)


def seen(when: When) -> int:
    assert when.at is not None
    return when.at + HOUR


def saying(body: Case | Step, at: int, table: str = "case") -> Saying:
    """Captured at `at`; it may have been in the source since half an hour before."""
    return Saying(Row(table, "7", deleted=False, body=body), at - HOUR // 2, at)


def fact(**fields: object) -> Case:
    return Case(case_key="7", item_code="SX1", **fields)  # type: ignore[arg-type]


def judged(
    rows: dict[tuple[str, str], list[Saying]], now: int, before: Lights, item: Item = ITEM
) -> list[Judged]:
    """By what was captured until `now`."""
    known = {
        place: told for place, all_ in rows.items() if (told := [one for one in all_ if one.seen <= now])
    }
    law = Law(lambda at: LAWS[0].calendar, lambda state: item, [], ZONE)
    bench = Bench(law, lambda kind, cycle: before.get((kind, cycle), Light.NONE), set(), now, now)
    look = judgement.look("7", known, bench)
    return judgement.judged(judgement.prove(look, known, bench) if look.needs_proof else look, bench)


def lights(
    rows: dict[tuple[str, str], list[Saying]], now: int, before: Lights | None = None, item: Item = ITEM
) -> Lights:
    """(kind, cycle) -> light; red ones stay."""
    before = before or {}
    found = {
        (one.verdict.limit.kind, one.verdict.limit.cycle): one.verdict.light
        for one in judged(rows, now, before, item)
    }
    return {place: light for place, light in before.items() if light is Light.RED} | found


# against the oracle ------------------------------------------------------------------------------------------


def made(rng: Random) -> tuple[When, list[Round], When | None, list[Saying]]:
    """The first acceptance, what ended and came back, the last end if there is one, and what the source said of it."""
    accepted = first = moment(START + rng.randrange(60), rng.randrange(8, 18))
    rounds, told = list[Round](), [saying(fact(accepted_at=text(accepted)), seen(accepted))]
    begun = accepted.day
    for _ in range(rng.randint(1, 3)):
        ended = moment(begun + rng.randrange(1, 45), rng.randrange(8, 18))
        again = moment(ended.day + rng.choice([0, 1, 3, 10, 40]), rng.randrange(20, 23))
        status = CaseStatus.DONE if rng.random() < 0.5 else None
        over = fact(accepted_at=text(accepted), finished_at=text(ended), status=status)
        filed = moment(rng.randint(ended.day, again.day), 19) if rng.random() < 0.5 else None
        accepted, begun = filed or accepted, again.day
        rounds.append(Round(ended, again, filed))
        told += [saying(over, seen(ended)), saying(fact(accepted_at=text(accepted)), seen(again))]
    last = None
    if rng.random() < 0.5:
        last = moment(begun + rng.randrange(1, 50), rng.randrange(8, 18))
        told.append(saying(fact(accepted_at=text(accepted), finished_at=text(last)), seen(last)))
    return first, rounds, last, told


def expected(first: When, rounds: list[Round], last: When | None, now: int) -> dict[int, str]:
    """Cycle -> light of the statute, each filing ticked through by itself."""
    found: dict[int, str] = {}
    number, accepted, stood = 1, first, list[Pause]()
    for one in [*rounds, None]:
        facts = Told(accepted=accepted, finished=one.ended if one else last, pauses=stood)
        light, _ = oracle.light(accepted.day, ITEM.legal_days, facts, LAWS[0].days, now, now)
        found[number] = "red" if found.get(number) == "red" else light
        if one is not None and one.filed is not None:
            number, accepted, stood = number + 1, one.filed, []
        elif one is not None and one.again.day > one.ended.day:
            stood = [*stood, Pause(When(one.ended.day), When(one.again.day))]
    return found


def differing(seed: int) -> str:
    rng = Random(seed)
    first, rounds, last, told = made(rng)
    rows = {("case", "7"): told}
    now = told[-1].seen + rng.randrange(60 * 24) * HOUR
    at_the_end = lights(rows, now)
    along: Lights = {}
    for one in told:
        along = lights(rows, one.seen + 1, along)
    along = lights(rows, now, along)
    shown = {cycle: light.value for (kind, cycle), light in at_the_end.items() if kind is ClockKind.STATUTE}
    wanted = expected(first, rounds, last, now)
    if shown != wanted:
        return f"{seed}: {shown}, not {wanted}"
    return "" if along == at_the_end else f"{seed}: looked at all along {along}, at the end {at_the_end}"


def differing_cycles(seed: int, count: int) -> list[int]:
    """Of `count` histories from `seed` on, those in which engine and oracle differ, or looking all along and at the end."""
    return [number for number in range(seed, seed + count) if differing(number)]


def test_each_filing_has_its_clock_and_no_day_counts_on_which_it_was_over() -> None:
    found = [said for seed in range(HISTORIES) if (said := differing(seed))]
    assert found == []


# by hand -----------------------------------------------------------------------------------------------------

ACCEPTED = moment(date(2025, 3, 3).toordinal(), 9)
"""A Monday; twenty working days end on 03-31."""


def on(day: str, hour: int = 10) -> When:
    return moment(date.fromisoformat(day).toordinal(), hour)


def of(*told: tuple[Case, str]) -> dict[tuple[str, str], list[Saying]]:
    return {("case", "7"): [saying(body, seen(on(day))) for body, day in told]}


OPEN = fact(accepted_at=text(ACCEPTED))
OVER = fact(accepted_at=text(ACCEPTED), finished_at=text(on("2025-03-20")))
STATUTE, SUPPLEMENT, DELIVERY = ClockKind.STATUTE, ClockKind.SUPPLEMENT, ClockKind.DELIVERY


def test_a_decision_in_time_that_is_taken_back_after_the_due_day_is_no_red_light_of_that_day() -> None:
    """13 days were used when it ended; the other seven begin on 04-22, and Sunday 04-27 was worked."""
    rows = of((OPEN, "2025-03-03"), (OVER, "2025-03-20"), (OPEN, "2025-04-21"))
    assert lights(rows, seen(on("2025-04-22")))[STATUTE, 1] is Light.GREEN
    due = [one for one in judged(rows, seen(on("2025-04-22")), {}) if one.verdict.limit.kind is STATUTE]
    assert due[0].verdict.limit.due_at == oracle.midnight(date(2025, 4, 30).toordinal())
    assert lights(rows, seen(on("2025-05-10")))[STATUTE, 1] is Light.RED


def test_what_was_over_when_it_was_first_seen_and_states_no_day_stood_all_along() -> None:
    over = fact(accepted_at=text(ACCEPTED), status=CaseStatus.DONE)
    rows = of((over, "2025-06-02"), (OPEN, "2025-06-10"))
    assert lights(rows, seen(on("2025-06-11")))[STATUTE, 1] is Light.GREEN


def test_an_end_that_was_typed_by_mistake_and_taken_back_at_once_gives_nothing() -> None:
    rows = of((OPEN, "2025-03-03"), (OVER, "2025-03-20"), (OPEN, "2025-03-20"))
    rows["case", "7"][2] = saying(OPEN, seen(on("2025-03-20")) + 1)
    found = judged(rows, seen(on("2025-03-21")), {})
    assert [one.verdict.limit.due_at for one in found if one.verdict.limit.kind is STATUTE] == [
        oracle.midnight(date(2025, 4, 1).toordinal())
    ]


def test_what_was_refused_acceptance_and_is_filed_again_is_accepted_by_a_clock_of_its_own() -> None:
    item = Item("SX1", "食品经营许可（新办）", 20, 20, receipt_counts=True)
    over = fact(
        received_at="2025-03-03", finished_at=text(on("2025-03-05")), status=CaseStatus.REFUSED_ACCEPTANCE
    )
    rows = of(
        (fact(received_at="2025-03-03"), "2025-03-03"),
        (over, "2025-03-05"),
        (fact(received_at="2025-03-24"), "2025-03-24"),
    )
    found = lights(rows, seen(on("2025-03-26")), item=item)
    assert found[SUPPLEMENT, 2] is Light.GREEN
    assert not {(STATUTE, 1), (STATUTE, 2)} & found.keys()
    # Nobody said a word for five working days: accepted from 03-24 on.
    assert lights(rows, seen(on("2025-04-10")), item=item)[STATUTE, 2] is Light.GREEN


def test_a_new_step_of_acceptance_is_a_new_filing_and_steps_of_the_old_one_do_not_count() -> None:
    def step(number: int, kind: StepKind, day: str) -> tuple[tuple[str, str], list[Saying]]:
        body = Step(case_key="7", kind=kind, finished_at=text(on(day)), started_at=text(on(day)))
        return ("step", str(number)), [
            Saying(Row("step", str(number), deleted=False, body=body), None, seen(on(day)))
        ]

    over = fact(finished_at=text(on("2025-03-20")))
    rows = of((fact(), "2025-03-03"), (over, "2025-03-20"), (fact(), "2025-04-07"))
    rows |= dict([
        step(1, StepKind.ACCEPT, "2025-03-03"), step(2, StepKind.PAUSE, "2025-03-10"), step(3, StepKind.DELIVER, "2025-03-21"),
        step(4, StepKind.ACCEPT, "2025-04-07"),
    ])  # fmt: skip
    found = {
        (one.verdict.limit.kind, one.verdict.limit.cycle): one.verdict
        for one in judged(rows, seen(on("2025-04-08")), {})
    }
    assert found[STATUTE, 2].light is Light.GREEN
    assert found[STATUTE, 2].limit.start == date(2025, 4, 7)
    assert found[STATUTE, 2].limit.running
    assert (DELIVERY, 2) not in found


def test_a_row_that_is_gone_and_comes_back_was_not_over() -> None:
    rows = of((OPEN, "2025-03-03"), (OPEN, "2025-03-10"), (OPEN, "2025-03-28"))
    gone = rows["case", "7"][1]
    rows["case", "7"][1] = Saying(Row("case", "7", deleted=True, body=gone.row.body), gone.since, gone.seen)
    assert lights(rows, seen(on("2025-04-02")))[STATUTE, 1] is Light.RED


# what belongs to which filing ----------------------------------------------------------------------------------

AGAIN = on("2025-04-07")


def places(rows: dict[tuple[str, str], list[Saying]], day: str) -> dict[tuple[ClockKind, int], Judged]:
    return {(one.verdict.limit.kind, one.verdict.limit.cycle): one for one in judged(rows, seen(on(day)), {})}


def test_a_deadline_that_was_stated_for_the_old_filing_is_none_of_the_new_one() -> None:
    """Nobody has accepted the new filing yet, and the source's own column still says when the old one was due."""
    told = fact(received_at="2025-03-03", accepted_at=text(ACCEPTED), deadline="2025-03-31")
    over = fact(
        received_at="2025-03-03", accepted_at=text(ACCEPTED), deadline="2025-03-31", finished_at="2025-03-20"
    )
    again = fact(received_at="2025-04-07", accepted_at=text(ACCEPTED), deadline="2025-03-31")
    rows = of((told, "2025-03-03"), (over, "2025-03-20"), (again, "2025-04-07"))
    assert set(places(rows, "2025-04-08")) == {(STATUTE, 1), (ClockKind.STATED, 1)}
    assert all(one.verdict.light is Light.GREEN for one in places(rows, "2025-04-08").values())
    # Set later than the new filing it is still the old one's, unless the source has set it anew.
    far, new = (fact(received_at="2025-04-07", deadline=day) for day in ("2025-04-30", "2025-05-09"))
    told = fact(received_at="2025-03-03", deadline="2025-04-30")
    over = fact(received_at="2025-03-03", deadline="2025-04-30", finished_at="2025-03-20")
    assert (ClockKind.STATED, 2) not in places(
        of((told, "2025-03-03"), (over, "2025-03-20"), (far, "2025-04-07")), "2025-04-08"
    )
    assert (ClockKind.STATED, 2) in places(
        of((told, "2025-03-03"), (over, "2025-03-20"), (new, "2025-04-07")), "2025-04-08"
    )


def test_what_was_complete_then_is_not_complete_now_and_a_notice_of_then_is_none_of_now() -> None:
    first = fact(received_at="2025-03-03", complete_at="2025-03-03")
    over = fact(received_at="2025-03-03", complete_at="2025-03-03", finished_at=text(on("2025-03-20")))
    again = fact(received_at="2025-04-07", complete_at="2025-03-03")
    rows = of((first, "2025-03-03"), (over, "2025-03-20"), (again, "2025-04-07"))
    notice = Step(case_key="7", kind=StepKind.SUPPLEMENT, notified_at="2025-03-05")
    renewed = Step(case_key="7", kind=StepKind.RENEW, asked_at="2025-03-03", due_at="2025-07-31")
    for number, body in enumerate((notice, renewed)):
        rows["step", str(number)] = [
            Saying(Row("step", str(number), deleted=False, body=body), None, seen(on("2025-03-05")))
        ]
    now = seen(on("2025-04-08"))
    law = Law(lambda at: LAWS[0].calendar, lambda state: ITEM, [], ZONE)
    state = judgement.look("7", rows, Bench(law, lambda *_: Light.NONE, set(), now, now)).state
    assert state.cycle == 2
    assert state.facts.complete_at is None
    assert state.steps == [Step(case_key="7", kind=StepKind.RENEW, due_at="2025-07-31")]
    assert ClockKind.ACCEPTANCE not in {kind for kind, _ in places(rows, "2025-04-08")}
    # What the licence says does not depend on who files when; its warning is this filing's own.
    assert (ClockKind.RENEWAL, 2) in places(rows, "2025-04-08")


def test_an_earlier_day_of_acceptance_is_a_correction_and_no_new_filing() -> None:
    over = fact(accepted_at=text(ACCEPTED), status=CaseStatus.DONE)
    rows = of((over, "2025-06-02"), (fact(accepted_at="2025-02-27"), "2025-06-10"))
    assert set(places(rows, "2025-06-11")) == {(STATUTE, 1)}
    assert places(rows, "2025-06-11")[STATUTE, 1].verdict.light is Light.GREEN


def test_what_only_another_mapping_says_is_no_filing_and_no_reopening() -> None:
    """One mapping read a column as the end of every case; the next one reads it no more, and the acceptance instead."""
    rows = of((fact(), "2025-03-03"), (fact(finished_at="2025-03-04"), "2025-03-05"), (OPEN, "2025-03-10"))
    before = rows["case", "7"][2]
    assert (STATUTE, 2) not in places(rows, "2025-03-11")
    rows["case", "7"][2] = Saying(before.row, before.since, before.seen, read_anew=True)
    found = judged(rows, seen(on("2025-03-11")), {})
    assert [(one.verdict.limit.cycle, one.verdict.limit.stops) for one in found] == [(1, [])]


def test_an_old_filing_waits_for_nothing_any_more() -> None:
    """A procedure of the old filing was planned to end later: that day brings no look at it, tick after tick."""
    pause = Step(case_key="7", kind=StepKind.PAUSE, started_at="2025-03-10", finished_at="2025-04-30")
    again = fact(accepted_at=text(AGAIN))
    rows = of((OPEN, "2025-03-03"), (OVER, "2025-03-20"), (again, "2025-04-07"))
    rows["step", "1"] = [Saying(Row("step", "1", deleted=False, body=pause), None, seen(on("2025-03-10")))]
    now = seen(on("2025-05-02"))
    checks = [one.verdict.next_check_at for one in judged(rows, now, {})]
    assert [one for one in checks if one is not None and one <= now] == []
    assert places(rows, "2025-05-02")[STATUTE, 2].verdict.limit.stops == []


def test_what_is_sent_once_more_tells_nothing_of_when_a_case_was_filed_again() -> None:
    """Two filings, the first overdue before its end was dated back; a row captured late that may always have been there."""
    late = fact(accepted_at=text(ACCEPTED), finished_at="2025-03-20")
    rows = of((OPEN, "2025-03-03"), (late, "2025-04-20"), (fact(accepted_at="2025-04-22"), "2025-04-22"))
    rows["case", "7"] += of(
        (fact(accepted_at="2025-04-22", finished_at="2025-05-06"), "2025-05-06"),
        (fact(accepted_at="2025-05-08"), "2025-05-08"),
    )["case", "7"]
    found = lights(rows, seen(on("2025-05-10")))
    extra = Row("case.part", "7", deleted=False, body=Case(case_key="7", org="市场监管局"))
    step = Row("step", "9", deleted=False, body=Step(case_key="7", kind=StepKind.ACCEPT))
    rows["case.part", "7"] = [Saying(extra, None, seen(on("2025-05-09")))]
    rows["step", "9"] = [Saying(step, None, seen(on("2025-05-09")))]
    assert found[STATUTE, 1] is Light.RED
    assert lights(rows, seen(on("2025-05-10"))) == found
