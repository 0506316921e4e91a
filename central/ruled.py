"""The rules of one group of cases: what was found of them before, what is found now, and the lamp that it lights."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import lamp
from central.core.lamp import Lamp
from central.core.ruling import Answer, Result
from central.store import rulings
from central.world import Moment
from common.core.state import Light

log = structlog.get_logger()

_STANDS = {Answer.BROKEN, Answer.WATCHED}


class Ruled:
    """`held`: (case key, rule) -> what was found before; `until`: the site's data is whole up to there."""

    def __init__(
        self, site: str, now: Moment, until: int | None, held: dict[tuple[str, str], Row[Any]]
    ) -> None:
        self.site = site
        self.now = now
        self.until = until
        self.held: defaultdict[str, dict[str, Row[Any]]] = defaultdict(dict)
        for (key, rule), row in held.items():
            self.held[key][rule] = row
        self.rows: list[dict[str, Any]] = []
        self.mended: list[tuple[str, str]] = []

    def take(self, key: str, answers: Sequence[Result], seen_at: int, withdrawn: set[str]) -> Lamp:
        """What is broken is a dated fact once it is proven; what mended before that was never said."""
        held = self.held[key]
        lights = {rule: Light(row.light) for rule, row in held.items()}
        standing = {
            one.rule.id: one for one in answers if one.said.answer in _STANDS or one.said.again_at is not None
        }
        for rule, one in standing.items():
            row = held.get(rule)
            if row is not None and row.light != Light.GREY:
                continue
            light, needs = lamp.proven(one.said, seen_at, self.until)
            if row is None or (row.light, row.needs_until) != (light, needs):
                self._put(key, one, light, needs)
            lights[rule] = light
        for rule, row in held.items():
            if row.light == Light.GREY and rule not in standing:
                self.mended.append((key, rule))
                del lights[rule]
            elif row.light != Light.GREY and row.needs_until is not None:  # a person has decided about it
                self.rows.append(dict(row._mapping) | {"needs_until": None})  # noqa: SLF001
        broken = {rule for rule, one in standing.items() if one.said.answer is Answer.BROKEN}
        stands = (
            (rule, light) for rule, light in lights.items() if light is not Light.GREY or rule in broken
        )
        return lamp.shown(stands, withdrawn)

    def _put(self, key: str, one: Result, light: Light, needs: int | None) -> None:
        if light is not Light.GREY:
            log.info("rule.answered", site=self.site, rule=one.rule.id, answer=one.said.answer.value)
        self.rows.append(
            {
                "site": self.site,
                "case_key": key,
                "rule": one.rule.id,
                "answer": one.said.answer.value,
                "light": light.value,
                "why": one.said.why,
                "pack": one.pack,
                "needs_until": needs,
                "found_at": self.now.at,
                "found_wall": self.now.wall,
            }
        )

    def put_off(self, key: str) -> None:
        """The case is not judged now: whoever puts it off has it judged later, and it waits for nothing meanwhile."""
        self.rows += [
            dict(row._mapping) | {"needs_until": None}  # noqa: SLF001
            for row in self.held[key].values()
            if row.needs_until is not None
        ]

    async def save(self, conn: AsyncConnection) -> None:
        await rulings.put(conn, self.rows)
        await rulings.drop(conn, self.site, self.mended)
