"""Who gets a certificate, and what the technician is told otherwise."""

import pytest
from msgspec.structs import replace

from common.core.errors import UsageError
from provisioning.core import enrolment, token
from provisioning.core.enrolment import TOKEN_LIFE, Granted, Held, Refusal, Site, Token, claim
from provisioning.core.identity import Box

NOW = 1_000_000_000
KEY, OTHER = b"k" * 32, b"o" * 32
FRESH = Token("s01", NOW + TOKEN_LIFE)
EMPTY = Site("s01", is_retired=False)


def having(*states: str) -> Site:
    """A site whose boxes are in these states, the first with KEY."""
    boxes = [
        Held(Box("s01", place, state), bytes([64 + place]) * 32) for place, state in enumerate(states, 1)
    ]
    return replace(EMPTY, boxes=(replace(boxes[0], key=KEY), *boxes[1:]))


@pytest.mark.parametrize(
    ("ticket", "site", "key", "late", "refusal"),
    [
        (None, EMPTY, KEY, 0, Refusal.TOKEN_UNKNOWN),
        (FRESH, None, KEY, 0, Refusal.TOKEN_UNKNOWN),
        (FRESH, replace(EMPTY, id="s02"), KEY, 0, Refusal.TOKEN_UNKNOWN),
        (FRESH, EMPTY, KEY, TOKEN_LIFE + 1, Refusal.TOKEN_EXPIRED),
        (replace(FRESH, key=OTHER), EMPTY, KEY, 0, Refusal.TOKEN_USED),
        (replace(FRESH, is_void=True), EMPTY, KEY, 0, Refusal.TOKEN_VOID),
        (FRESH, replace(EMPTY, is_retired=True), KEY, 0, Refusal.SITE_RETIRED),
        (FRESH, having("draining", "active"), KEY, 0, Refusal.SUPERSEDED),
        (FRESH, having("superseded", "active"), KEY, 0, Refusal.SUPERSEDED),
        (FRESH, having("revoked"), KEY, 0, Refusal.REVOKED),
        (FRESH, having("retired"), KEY, 0, Refusal.RETIRED),
    ],
)
def test_who_is_refused_and_why(
    ticket: Token | None, site: Site | None, key: bytes, late: int, refusal: Refusal
) -> None:
    assert claim(ticket, site, key, NOW + late) == refusal


def test_every_refusal_names_what_happened_and_what_to_do() -> None:
    """P-ENROL-05."""
    assert all(item.message and item.fix for item in Refusal)


def test_the_same_key_is_told_the_same_however_late_it_asks_again() -> None:
    first = claim(FRESH, EMPTY, KEY, NOW)
    assert isinstance(first, Granted)
    assert (first.box, first.token.key) == (Box("s01", 1), KEY)
    again = claim(first.token, replace(EMPTY, boxes=first.boxes), KEY, NOW + 10 * TOKEN_LIFE)
    assert again == first


def test_a_revoked_box_stays_so_and_the_others_are_as_they_were() -> None:
    found = enrolment.revoke(having("draining", "active"), 2)
    assert [held.box.state for held in found.boxes] == ["draining", "revoked"]
    assert claim(FRESH, found, found.boxes[1].key, NOW) == Refusal.REVOKED
    assert isinstance(claim(FRESH, found, OTHER, NOW), Granted)
    with pytest.raises(UsageError):
        enrolment.revoke(found, 3)


def test_a_replaced_box_has_thirty_days_from_when_its_successor_came() -> None:
    site, since = having("draining", "draining", "active"), {1: NOW, 2: NOW + 5, 3: NOW + 9}
    for late, states in (
        (0, 0),
        (enrolment.DRAIN_LIFE + 4, 0),
        (enrolment.DRAIN_LIFE + 5, 1),
        (enrolment.DRAIN_LIFE + 9, 2),
    ):
        ended = enrolment.drained(site, since, NOW + late)
        assert [held.box.state for held in ended.boxes].count("superseded") == states
        assert ended.boxes[2].box.state == "active"


def test_a_new_machine_becomes_the_next_generation_and_the_old_one_may_finish() -> None:
    granted = claim(FRESH, having("superseded", "active"), OTHER, NOW)
    assert isinstance(granted, Granted)
    assert [(held.box.generation, held.box.state) for held in granted.boxes] == [
        (1, "superseded"),
        (2, "draining"),
        (3, "active"),
    ]


def test_the_machine_that_is_the_site_already_burns_the_token_and_stays_who_it_is() -> None:
    granted = claim(FRESH, having("active"), KEY, NOW)
    assert isinstance(granted, Granted)
    assert (granted.box.generation, granted.token.key, len(granted.boxes)) == (1, KEY, 1)


def test_retiring_ends_who_could_write_and_keeps_what_was_said_of_others() -> None:
    site = enrolment.retire(having("revoked", "draining", "active"))
    assert [held.box.state for held in site.boxes] == ["revoked", "retired", "retired"]
    assert site.is_retired


@pytest.mark.parametrize(
    ("taken", "given"),
    [([], "s01"), (["s01", "s07"], "s08"), (["hall-east", "s99"], "s100"), (["s0x"], "s01")],
)
def test_sites_are_numbered_above_all_there_ever_were(taken: list[str], given: str) -> None:
    assert enrolment.next_id(taken) == given


def test_a_token_says_its_site_and_nothing_else() -> None:
    text = token.text("s12", bytes(range(16)))
    assert text == "mc1.s12.AAECAwQFBgcICQoLDA0ODw"
    assert token.site_of(text) == "s12"
    assert len(token.digest(text)) == 32


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mc1.s12",
        "mc1.S12.AAECAwQFBgcICQoLDA0ODw",
        "mc1.s12.AAECAwQFBgcICQoLDA0OD",
        "mc1.s12.AAECAwQFBgcICQoLDA0ODw ",
    ],
)
def test_what_is_no_token_has_no_site(text: str) -> None:
    assert token.site_of(text) == ""
