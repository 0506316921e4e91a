"""The audit of one epoch: what is honest is proven, and nothing else is."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.core.audit import UNSIGNED, Audit, Claim, Entry, decoded
from central.core.epochs import Witness, misordered, silent, unregistered
from central.core.flaw import Finding, What
from central.store.audit import COLUMNS
from common.core import checkpoint, crypto
from common.core.ranges import Range
from common.core.record import Checkpoint, Gap, Record, decode_body, decode_record, encode_record
from common.core.state import LetterState
from tests.sender import Sender, case, draft

Edit = Callable[[list[Entry]], list[Entry]]
RECORDS, EVERY = 30, 7


def sender(count: int = RECORDS, every: int = EVERY) -> Sender:
    made = Sender()
    while made.newest < count:
        made.number(case(str(made.newest), at=1_000 + made.newest))
        if made.newest % every == 0:
            made.sign()
    made.sign()
    return made


def entry(seq: int, raw: bytes) -> Entry:
    item = decode_record(raw)
    values = {"kind": item.kind.value, "tbl": item.table}
    return Entry(seq, raw, {name: values.get(name, getattr(item, name, None)) for name in COLUMNS})


def entries(box: Sender) -> list[Entry]:
    return [entry(seq, raw) for seq, raw in enumerate(box.raws, 1)]


def claim(box: Sender, held: Sequence[Range] | None = None, newest: int | None = None) -> Claim:
    whole = [Range(1, box.newest, box.chain[0], box.chain[-1])]
    return Claim(
        site=box.site,
        epoch=box.epoch,
        sign_key=box.sign_key,
        held=whole if held is None else held,
        newest=box.newest if newest is None else newest,
        lost=[(gap.lo, gap.hi) for gap in map(body_of, box.raws) if isinstance(gap, Gap)],
    )


def body_of(raw: bytes) -> object:
    item = decoded(raw)
    return decode_body(item) if item else None


def audited(said: Claim, kept: Sequence[Entry], now_at: int = 0) -> Audit:
    bodies = [
        (decode_body(decode_record(one.raw)), one.seq) for one in kept if one.columns and not one.letter
    ]
    audit = Audit(said, [body for body, seq in bodies if isinstance(body, Gap) and body.hi < seq])
    for one in kept:
        audit.feed(one)
    audit.finish(now_at)
    return audit


def whats(audit: Audit) -> set[What]:
    return {finding.what for finding in audit.findings}


def test_what_is_honest_is_proven_up_to_the_last_signature() -> None:
    """P-CHAIN-05"""
    box = sender()
    audit = audited(claim(box), entries(box))
    assert (audit.findings, audit.records, audit.proven) == ([], box.newest, box.newest - 1)


def test_a_tail_that_nobody_has_signed_for_a_day_is_not_proven() -> None:
    """P-CHAIN-06: a checkpoint that ends the chain needs no further signature."""
    signed, open_, bare = sender(), sender(), sender(5, every=9)
    open_.number(case("tail", at=2_000))
    bare.raws.pop()
    bare.chain.pop()
    later = 2_000 + UNSIGNED
    assert audited(claim(signed), entries(signed), later).findings == []
    assert audited(claim(open_), entries(open_), UNSIGNED).findings == []
    for box, proven in ((open_, open_.newest - 2), (bare, 0)):
        found = [(one.what, one.lo, one.hi) for one in audited(claim(box), entries(box), later).findings]
        assert found == [(What.UNPROVEN, proven + 1, box.newest)]


def test_epochs_stand_in_the_order_that_their_boxes_signed_and_none_is_left_out() -> None:
    """P-CHAIN-06"""
    one, two, three = sender(), Sender(), Sender()
    two.sign_former(one)
    three.sign_former(one)
    three.sign_former(two)
    said = [
        Witness(box.epoch, body)
        for box in (two, three)
        for raw in box.raws
        if isinstance(body := decode_body(decode_record(raw)), Checkpoint)
    ]
    a, b, c = one.epoch, two.epoch, three.epoch
    assert misordered([a, b, c], said) == []
    assert misordered([a, b, c], said[1:]) == []
    for wrong in ([b, c], [a, c], [b, a, c], [a, c, b], [c, a, b], []):
        assert misordered(wrong, said), wrong
    assert misordered([b, a, c], said[1:]), "two that a third one names"


def test_a_generation_of_which_nothing_is_there_is_said() -> None:
    assert silent([1, 2, 3], [1, 2, 3]) == silent([], []) == []
    assert silent([1, 2, 3], [2]) == [1, 3]
    assert unregistered([1, 2, 3], [2]) == unregistered([], []) == unregistered([2], [1]) == []
    assert unregistered([3], [3]) == [1, 2], "numbers are given in turn and registrations stay"


@pytest.mark.parametrize("honest", [True, False])
def test_a_checkpoint_right_behind_a_loss_goes_on_from_what_it_signs(honest: bool) -> None:
    """The loss names it as its anchor, and it names the chain value before itself."""
    box = Sender()
    box.number(case("1"), case("2"))
    box.sign()
    box.lose(2, 2)
    if not honest:
        said = decode_body(decode_record(box.raws[-1]))
        assert isinstance(said, Gap)
        gap = msgspec.structs.replace(said, chain=b"x" * 32)
        box.raws[-1:], box.chain[-1:] = [], []
        box.number(draft(gap))
    box.number(case("3"))
    box.sign()
    kept = [one for one in entries(box) if one.seq != 2]
    audit = audited(claim(box), kept)
    assert (What.ALTERED in whats(audit)) is not honest
    assert What.DECLARED in whats(audit)
    assert not honest or audit.proven == box.newest - 1


def test_a_signature_of_another_key_site_or_epoch_is_none() -> None:
    box, thief = sender(), Sender(sign_secret=b"t" * 32)
    said = msgspec.structs.replace(claim(box), sign_key=thief.sign_key)
    assert What.SIGNATURE in whats(audited(said, entries(box)))
    for change in ({"site": "s02"}, {"epoch": b"another-"}):
        assert What.SIGNATURE in whats(audited(msgspec.structs.replace(claim(box), **change), entries(box)))


@given(st.data())
def test_no_edit_of_a_record_goes_unseen(data: st.DataObject) -> None:
    """Whoever edits also corrects the columns and the cursor's chain value: he cannot sign."""
    box = sender()
    kept = entries(box)
    place = data.draw(st.integers(0, len(kept) - 2))
    kind = data.draw(st.sampled_from(["drop", "swap", "edit"]))
    if kind == "drop":
        del kept[place]
    elif kind == "swap":
        one, two = kept[place], kept[place + 1]
        kept[place : place + 2] = [entry(one.seq, two.raw), entry(two.seq, one.raw)]
    else:
        kept[place] = entry(place + 1, edited(kept[place].raw))
    value = box.chain[0]
    for one in kept:
        value = crypto.chain_next(value, one.seq, one.raw)
    audit = audited(claim(box, [Range(1, box.newest, box.chain[0], value)]), kept)
    expected = {"drop": What.MISSING, "swap": What.MISPLACED, "edit": What.ALTERED}[kind]
    assert expected in whats(audit)


def edited(raw: bytes) -> bytes:
    item = decode_record(raw)
    return encode_record(msgspec.structs.replace(item, cap_wall=item.cap_wall + 1))


def test_an_edit_is_placed_between_the_signatures_around_it() -> None:
    box = sender()
    kept = entries(box)
    kept[9] = entry(10, edited(kept[9].raw))  # checkpoints are 8, 15, 22, ...
    altered = [one for one in audited(claim(box), kept).findings if one.what is What.ALTERED]
    assert [(one.lo, one.hi) for one in altered] == [(8, 14)]


def test_behind_the_last_signature_the_cursor_speaks() -> None:
    box = sender()
    box.number(case("late"), case("later"))
    kept = entries(box)
    assert audited(claim(box), kept).proven == box.newest - 3
    kept[-1] = entry(box.newest, edited(kept[-1].raw))
    assert whats(audited(claim(box), kept)) == {What.ALTERED}


def test_a_declared_loss_is_said_and_what_follows_it_is_proven() -> None:
    """P-GAP-05"""
    box = sender()
    box.lose(4, 5)
    box.sign()
    kept = [one for one in entries(box) if one.seq not in {4, 5}]
    audit = audited(claim(box), kept)
    assert [(one.what, one.lo, one.hi) for one in audit.findings] == [(What.DECLARED, 4, 5)]
    assert audit.proven == box.newest - 1
    kept[1] = entry(2, edited(kept[1].raw))
    assert What.ALTERED in whats(audited(claim(box), kept)), "what lies before the loss is signed with it"
    kept[1] = entry(2, box.raws[1])
    kept[3] = entry(6, edited(kept[3].raw))
    assert What.ALTERED in whats(audited(claim(box), kept))
    kept[3] = entry(6, box.raws[5])
    kept[4] = entry(7, edited(kept[4].raw))
    assert What.ALTERED in whats(audited(claim(box), kept))


def test_a_loss_without_an_anchor_leaves_a_stretch_unproven_up_to_the_next_signature() -> None:
    box = sender()
    box.number(draft_gap(4, 5))
    box.sign()
    kept = [one for one in entries(box) if one.seq not in {4, 5}]
    found = [(one.what, one.lo, one.hi) for one in audited(claim(box), kept).findings]
    before, lost, behind = (What.UNPROVEN, 1, 3), (What.DECLARED, 4, 5), (What.UNPROVEN, 6, 7)
    assert found == [before, lost, behind]


def test_what_was_there_when_it_was_declared_lost_and_is_not_any_more_was_taken_away() -> None:
    """P-GAP-05"""
    box = sender()
    box.lose(4, 6)
    box.sign()
    kept = [one for one in entries(box) if one.seq not in {4, 5, 6}]
    said = msgspec.structs.replace(claim(box), lost=[(4, 4), (6, 6)])
    found = [(one.what, one.lo, one.hi) for one in audited(said, kept).findings]
    assert found == [(What.DECLARED, 4, 4), (What.MISSING, 5, 5), (What.DECLARED, 6, 6)]


def draft_gap(lo: int, hi: int) -> Record:
    return draft(Gap(lo, hi, "damaged"))


def test_a_former_epoch_is_signed_by_the_next_and_else_its_end_is_unproven() -> None:
    """P-CHAIN-06"""
    former, box = sender(), Sender()
    former.number(case("end"))
    box.sign_former(former)
    witness = decode_body(decode_record(box.raws[0]))
    assert isinstance(witness, Checkpoint)
    ended = msgspec.structs.replace(claim(former), is_ended=True)
    unsigned = [(one.what, one.lo, one.hi) for one in audited(ended, entries(former)).findings]
    assert unsigned == [(What.UNPROVEN, former.newest - 1, former.newest)]
    told = msgspec.structs.replace(ended, witnesses=[witness])
    assert audited(told, entries(former)).findings == []
    kept = entries(former)
    kept[-1] = entry(former.newest, edited(kept[-1].raw))
    assert What.ALTERED in whats(audited(told, kept))
    short = msgspec.structs.replace(told, held=[Range(1, 9, b"", former.chain[9])], newest=9)
    assert What.PENDING in whats(audited(short, entries(former)[:9]))


def test_an_epoch_that_ends_sooner_than_the_audit_says_was_cut() -> None:
    """Its box was replaced: nobody signs it any more, and its end is a signature as good as any."""
    box = sender()
    whole = msgspec.structs.replace(claim(box), is_ended=True, reached={box.newest: box.chain[-1], 5: b""})
    assert whats(audited(whole, entries(box))) <= {What.UNPROVEN}
    last = 15
    shorter = [Range(1, last, box.chain[0], box.chain[last])]
    cut = msgspec.structs.replace(whole, held=shorter, newest=last)
    found = [(one.what, one.lo, one.hi) for one in audited(cut, entries(box)[:last]).findings]
    assert (What.MISSING, last + 1, box.newest) in found
    silent_ = msgspec.structs.replace(cut, reached={})
    assert whats(audited(silent_, entries(box)[:last])) <= {What.UNPROVEN}
    other = msgspec.structs.replace(whole, reached={box.newest: b"x" * 32})
    assert What.ALTERED in whats(audited(other, entries(box)))


def test_what_has_not_arrived_is_pending_and_no_accusation() -> None:
    box = sender()
    first, rest = box.chain, entries(box)
    held = [Range(1, 10, first[0], first[10]), Range(15, 20, first[14], first[20])]
    kept = [one for one in rest if one.seq <= 10 or 15 <= one.seq <= 20]
    found = audited(claim(box, held), kept).findings
    assert [(one.what, one.lo, one.hi) for one in found] == [
        (What.PENDING, 11, 14),
        (What.PENDING, 21, box.newest),
    ]


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_that_differs_from_its_record_is_named(name: str) -> None:
    box = sender()
    kept = entries(box)
    columns = kept[2].columns
    assert columns is not None
    kept[2] = Entry(3, kept[2].raw, columns | {name: "?"})
    assert audited(claim(box), kept).findings == [
        Finding(what=What.COLUMNS, lo=3, hi=3, detail=name, from_at=1002, to_at=1002)
    ]


def with_letters() -> tuple[Sender, list[Entry]]:
    """A record nobody can read (3), one under another number (4), and a checkpoint that somebody else has signed (5)."""
    box = Sender()
    box.number(case("1", at=1_000), case("2", at=1_001))
    wrong = checkpoint.signed(b"t" * 32, box.site, box.epoch, 2, b"x" * 32, 0)
    other = msgspec.structs.replace(case("4", at=1_002), seq=9)
    contradicting = msgspec.structs.replace(draft(wrong, at=1_002), seq=5)
    for raw in (b"\xc1", encode_record(other), encode_record(contradicting)):
        box.raws.append(raw)
        box.chain.append(crypto.chain_next(box.chain[-1], box.newest, raw))
    box.sign()
    kept = [Entry(seq, raw, None, vouched=True) for seq, raw in enumerate(box.raws, 1)]
    return box, [entry(one.seq, one.raw) if one.seq in {1, 2, 6} else one for one in kept]


def test_a_dead_letter_keeps_its_place_in_the_chain() -> None:
    box, kept = with_letters()
    found = audited(claim(box), kept).findings
    assert [(one.what, one.lo, one.hi) for one in found] == [(What.DEAD, 3, 5)]
    kept[2] = Entry(3, b"?", None, vouched=True)
    assert whats(audited(claim(box), kept)) == {What.DEAD, What.ALTERED}


@pytest.mark.parametrize(
    ("place", "change", "what"),
    [
        (3, {}, What.HIDDEN),
        (2, {"vouched": True}, What.HIDDEN),
        (6, {"vouched": True}, What.HIDDEN),
        (3, {"letter": LetterState.DROPPED}, What.HIDDEN),
        (3, {"letter": LetterState.REINJECTED}, What.HIDDEN),
        (2, {"letter": LetterState.DROPPED, "vouched": True}, What.DEAD),
        (3, {"letter": LetterState.DROPPED, "vouched": True}, What.DEAD),
        (3, {"letter": LetterState.REINJECTED, "vouched": True}, What.MISSING),
        (2, {"parked": True}, What.HIDDEN),
        (3, {"parked": True}, What.HIDDEN),
        (2, {"parked": True, "vouched": True}, What.PARKED),
    ],
)
def test_what_was_set_aside_is_unreadable_or_somebody_has_said_why(
    place: int, change: dict[str, Any], what: What
) -> None:
    """Whoever has the database may call any record a dead letter, or of a schema to come, or make it unreadable."""
    box, kept = with_letters()
    kept[place - 1] = Entry(place, box.raws[place - 1], None, **change)
    said = {one.what for one in audited(claim(box), kept).findings if one.lo <= place <= one.hi}
    assert said == {what}


def test_an_altered_record_is_not_excused_by_a_letter_with_the_true_bytes() -> None:
    box, kept = with_letters()
    forged = encode_record(msgspec.structs.replace(case("2", at=1_001, applicant="另有其人"), seq=2))
    columns = entry(2, forged).columns
    true = Entry(2, box.raws[1], columns, repaired=forged, letter=LetterState.REINJECTED)
    assert What.HIDDEN in whats(audited(claim(box), [kept[0], true, *kept[2:]]))


@pytest.mark.parametrize("state", LetterState)
def test_a_record_stands_in_the_place_of_a_letter_only_where_one_was_taken_in_for_it(
    state: LetterState,
) -> None:
    """What takes an unread record's place is bound by nothing but the line of the audit that says who repaired it."""
    box, kept = with_letters()
    forged = encode_record(msgspec.structs.replace(case("3", at=1_002, applicant="另有其人"), seq=3))
    columns = entry(3, forged).columns
    kept[2] = Entry(3, box.raws[2], columns, repaired=forged, letter=state, vouched=True)
    said = {one.what for one in audited(claim(box), kept).findings if one.lo <= 3 <= one.hi}
    assert said == {What.DEAD if state is LetterState.REINJECTED else What.ALTERED}


@pytest.mark.parametrize("letter", [None, LetterState.DROPPED])
def test_an_edit_is_not_excused_by_calling_the_signatures_after_it_letters(
    letter: LetterState | None,
) -> None:
    """P-CHAIN-07: of an epoch that its box goes on with no more, nothing else contradicts it."""
    box = sender()
    raws = [*box.raws[:2], edited(box.raws[2]), *box.raws[3:]]
    chain = box.chain[0]
    for seq, raw in enumerate(raws, 1):
        chain = crypto.chain_next(chain, seq, raw)
    kept = [
        entry(seq, raw)
        if decode_record(raw).kind.value != "checkpoint"
        else Entry(seq, raw, None, letter=letter, vouched=True)
        for seq, raw in enumerate(raws, 1)
    ]
    said = msgspec.structs.replace(
        claim(box), held=[Range(1, box.newest, box.chain[0], chain)], is_ended=True
    )
    found = audited(said, kept).findings
    assert {one.detail for one in found if one.what is What.ALTERED} == {"站点在检查点里签的是另一条链"}
