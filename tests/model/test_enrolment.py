"""Token and box, in any order of claims, retries, commands, retirements and crashes: never two active boxes of a site."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from common.core.instant import HOUR
from provisioning.core import enrolment
from provisioning.core.enrolment import TOKEN_LIFE, Refusal, Site, Token, claim
from provisioning.core.identity import Box

MACHINES = [bytes([number]) * 32 for number in range(1, 5)]
_MACHINE = st.sampled_from(MACHINES)


class Enrolment(RuleBasedStateMachine):
    """The hall's rows as its transactions leave them. A crash before the commit leaves nothing, after it everything:
    the reply alone can be lost, and then the same machine asks again."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.site = Site("s01", is_retired=False)
        self.tokens: list[Token] = []
        self.told: dict[tuple[int, bytes], Box] = {}
        """(token, machine) -> who it was told to be."""

    @rule()
    def command(self) -> None:
        """`site add` or `site reissue`: what nobody used is void."""
        self.tokens = [item if item.key else replace(item, is_void=True) for item in self.tokens]
        self.tokens.append(Token("s01", self.now + TOKEN_LIFE))

    @rule(hours=st.integers(1, 40))
    def time_passes(self, hours: int) -> None:
        self.now += hours * HOUR

    @rule(machine=_MACHINE, place=st.integers(0, 5), is_reply_lost=st.booleans(), is_committed=st.booleans())
    def ask(self, machine: bytes, place: int, is_reply_lost: bool, is_committed: bool) -> None:
        if place >= len(self.tokens):
            return
        ticket = self.tokens[place]
        answer = claim(ticket, self.site, machine, self.now)
        if isinstance(answer, Refusal):
            assert (place, machine) not in self.told or self._has_ended(self.told[place, machine])
            return
        assert not ticket.is_void
        assert ticket.key in {b"", machine}
        if not is_committed:
            return
        self.tokens[place] = answer.token
        self.site = replace(self.site, boxes=answer.boxes)
        before = self.told.get((place, machine))
        assert before is None or before.generation == answer.box.generation
        if not is_reply_lost:
            self.told[place, machine] = answer.box

    def _has_ended(self, box: Box) -> bool:
        states = {held.box.generation: held.box.state for held in self.site.boxes}
        return self.site.is_retired or states[box.generation] != "active"

    @rule()
    def retire(self) -> None:
        self.site = enrolment.retire(self.site)

    @rule(generation=st.integers(1, 4))
    def revoke(self, generation: int) -> None:
        boxes = [
            replace(held, box=replace(held.box, state="revoked"))
            if held.box.generation == generation
            else held
            for held in self.site.boxes
        ]
        self.site = replace(self.site, boxes=tuple(boxes))

    @invariant()
    def at_most_one_box_is_active(self) -> None:
        assert sum(held.box.state == "active" for held in self.site.boxes) <= 1

    @invariant()
    def generations_are_numbered_without_a_gap_and_keys_belong_to_one(self) -> None:
        assert [held.box.generation for held in self.site.boxes] == list(range(1, len(self.site.boxes) + 1))
        assert len({held.key for held in self.site.boxes}) == len(self.site.boxes)

    @invariant()
    def only_the_newest_is_active(self) -> None:
        assert all(held.box.state != "active" for held in self.site.boxes[:-1])

    @invariant()
    def a_used_token_names_one_machine_for_ever(self) -> None:
        for place, machine in self.told:
            assert self.tokens[place].key == machine


Enrolment.TestCase.settings = settings(max_examples=200, stateful_step_count=40)
TestEnrolment = Enrolment.TestCase
