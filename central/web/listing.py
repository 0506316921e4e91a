"""A case as one line of a list: the same words on the queue, in lists and on a site's page."""

from typing import Any
from urllib.parse import quote

from msgspec import Struct
from sqlalchemy import Row

from central.core import wording
from central.core.articles import RULES
from central.core.hall import Facts
from common.core.state import CaseStatus, Light

DEMANDS = {rule.id: rule.demand for rule in RULES}


class Line(Struct, frozen=True, kw_only=True):
    """What a list says of one case; personal data is masked here, before any template sees it."""

    href: str
    light: Light
    rule_light: Light | None
    rule: str
    item: str
    number: str
    tail: str
    applicant: str
    responsible: str
    due: str
    left: str
    status: str


def line(row: Row[Any], facts: Facts) -> Line:
    """`row`: columns of `case`."""
    return Line(
        href=address(row.site, row.case_key),
        light=Light(row.light),
        rule_light=Light(row.rule_light) if row.rule_light else None,
        rule=row.rule or "",
        item=row.item_name or "事项未填",
        number=row.case_no or "没有编号",
        tail=wording.tail(row.case_no) or "–",
        applicant=wording.mask(row.applicant) or "–",
        responsible=row.responsible or "–",
        due=wording.due(row.due_at, facts.zone) if row.due_at and row.light != Light.PAUSED else "–",
        left=left(row, facts),
        status=CaseStatus(row.status).word if row.status else "–",
    )


def address(site: str, case_key: str) -> str:
    """The page of a case."""
    return f"/hall/cases/{quote(site, safe='')}/{quote(case_key, safe='')}"


def left(row: Row[Any], facts: Facts) -> str:
    """Time to the limit of a case under way; of a closed one, how it ended."""
    light = Light(row.light)
    if row.deleted:
        return "源数据已删除"
    if not row.open:
        return {Light.RED: "超期办结", Light.GREEN: "按期办结"}.get(light, "已结束")
    if light in {Light.PAUSED, Light.GREY}:  # what is not whole is not called overdue
        return light.word
    if row.due_at is None:
        return "–"
    return wording.light_left(light, row.due_at, facts.now_at, facts.zone, facts.slow.workday)
