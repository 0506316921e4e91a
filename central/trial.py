"""Another set of the rules' figures tried on all the past before anybody enables it: which answers would differ."""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import articles, judgement
from central.core.judgement import Bench
from central.core.ruling import Result, Subject
from central.store import cases, past
from central.world import World
from common.core.state import Light

_CHUNK = 300


class Changed(Struct, frozen=True):
    """The answer of one rule on one case, by the figures in force and by the others."""

    site: str
    case_no: str
    rule: str
    before: str
    after: str


async def differences(
    conn: AsyncConnection, world: World, figures: Mapping[str, int], now_at: int
) -> list[Changed]:
    """Over all cases as their rows are now, with these figures instead of those in force. Writes nothing."""
    wanted = replace(world.packs[-1][1], **figures)
    found: list[Changed] = []
    for site in await cases.sites(conn):
        until = await cases.complete_until(conn, site)
        after = ""
        while keys := await cases.keys_from(conn, site, after, _CHUNK):
            after = keys[-1]
            held = await past.held(conn, site, keys)
            for key in keys:
                bench = Bench(world.law, lambda *_: Light.NONE, frozenset(), until, now_at)
                look = judgement.look(key, held.get(key, {}), bench)
                if look.state.deleted or not look.state.seen:
                    continue
                verdicts = [one.verdict for one in judgement.judged(look, bench)]
                old, new = (
                    Subject(
                        look.state,
                        look.item,
                        verdicts,
                        world.calendar_of(look.state),
                        world.zone,
                        until,
                        pack,
                    )
                    for pack in (world.pack_of(look.state), wanted)
                )
                number = look.state.facts.case_no or key
                found += _compared(site, number, articles.ask_all(old), articles.ask_all(new))
    return found


def _compared(site: str, number: str, old: Sequence[Result], new: Sequence[Result]) -> list[Changed]:
    before = {one.rule.id: f"{one.said.answer.word}：{one.said.why}" for one in old}
    after = {one.rule.id: f"{one.said.answer.word}：{one.said.why}" for one in new}
    return [
        Changed(site, number, rule, before.get(rule, "–"), after.get(rule, "–"))
        for rule in before | after
        if before.get(rule) != after.get(rule)
    ]
