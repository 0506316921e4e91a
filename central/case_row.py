"""A case as lists, wall and pages find it: its facts, and the worst of its lights. Pure."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from central.core import fee
from central.core.case import CaseState
from central.core.item import Item
from central.core.lamp import Lamp
from central.core.limit import is_former
from central.core.rules import Verdict
from common.core.state import Light
from common.core.wire import LONGEST_KEY, LONGEST_WORD

MOST_NUMBERS = 20
"""Of one case's documents."""


def kept_red(reds: Sequence[Row[Any]], state: CaseState) -> dict[str, Any]:
    """What a case shows whose red light's limit is no longer there; of an earlier filing, the light and not its day."""
    due = min((row.due_at for row in reds if not is_former(row.kind, row.cycle, state)), default=None)
    return ({"light": Light.RED} if reds else {}) | ({"due_at": due} if due is not None else {})


def of(
    site: str, state: CaseState, item: Item | None, verdicts: list[Verdict], lamp: Lamp, rev: int
) -> dict[str, Any]:
    facts = state.facts

    def weight(one: Verdict) -> tuple[int, int]:
        return one.light.rank, -one.limit.due_at

    shown = max(verdicts, key=weight, default=None)
    # The light is the worst of all filings; the day that is counted down to is the newest one's.
    own = [one for one in verdicts if not is_former(one.limit.kind, one.limit.cycle, state)]
    waited = max(own, key=weight, default=None)
    return {
        "site": site,
        "case_key": facts.case_key,
        "case_no": _short(facts.case_no, LONGEST_KEY),
        "item_code": _short(facts.item_code),
        "item_name": _short(facts.item_name or (item.name if item else None)),
        "applicant": facts.applicant,
        "name_index": facts.applicant,
        "phone_index": facts.phone,
        "org": _short(facts.org),
        "responsible": _short(facts.responsible),
        "received_at": state.received_at,
        "accepted_at": state.accepted_at,
        "finished_at": state.finished_at,
        "deadline_at": state.deadline_at,
        "status": facts.status,
        "outcome": facts.outcome,
        "open": state.open,
        "deleted": state.deleted,
        "light": shown.light if shown else Light.NONE,
        "due_at": waited.limit.due_at if waited else None,
        "rule_light": lamp.light if lamp.rule else None,
        "rule": lamp.rule or None,
        "channel": _short(facts.channel),
        "charged": fee.total(state),
        "doc_nos": _numbers(state),
        "filed_at": state.accepted_at or state.received_at or 0,
        "rev": rev + 1,
    }


def _numbers(state: CaseState) -> str | None:
    """Those that its steps bear, each once, a line each; whole numbers only."""
    found = dict.fromkeys(step.doc_no for step in state.steps if step.doc_no)
    return "\n".join([no for no in found if len(no) <= LONGEST_WORD][:MOST_NUMBERS]) or None


def _short(text: str | None, most: int = LONGEST_WORD) -> str | None:
    """As far as it fits a page of any index, two of them in one row; the whole stands in the records."""
    return None if text is None else text[:most]
