"""A box changes its release: whatever is cut off wherever, it ends on one that passed, and says what became of it."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from common.core import crypto
from common.core.errors import RejectedError
from provisioning.core import release, upgrade
from provisioning.core.release import Manifest
from provisioning.core.upgrade import Have, Job, Move, Pending, Phase

SECRET, OTHER = b"\1" * 32, b"\2" * 32
MANIFEST = Manifest("1.2.0", "1.2.0-b", "x86_64", "f.tar.gz", "aa", 1000, "bb", 5, 2)
JOB = Job("j1", "s01", "1.2.0-b", "bb", 100)
HAVE = Have("s01", "x86_64", "1.1.9", 2, 3000)


def test_what_is_signed_is_read_and_nothing_else() -> None:
    public = crypto.sign_public(SECRET)
    raw, order = release.sealed(MANIFEST, SECRET), upgrade.ordered(JOB, SECRET)
    assert release.opened(raw, public) == MANIFEST
    assert upgrade.order_in(order, public) == JOB
    for wrong in (release.sealed(MANIFEST, OTHER), raw[:-9], b"", order):
        with pytest.raises(RejectedError):
            release.opened(wrong, public)
    for keys in (public + crypto.sign_public(OTHER), crypto.sign_public(OTHER) + public):
        assert release.opened(raw, keys) == MANIFEST
    with pytest.raises(RejectedError):
        release.opened(raw, public[1:])
    for wrong in (upgrade.ordered(JOB, OTHER), order[:-9], b"", raw):
        with pytest.raises(RejectedError):
            upgrade.order_in(wrong, public)


@pytest.mark.parametrize(
    ("job", "manifest", "have", "says"),
    [
        ({}, {}, {}, ""),
        ({"site": "s02"}, {}, {}, "属于站点 s02"),
        ({"expires_wall": 50}, {}, {}, "过期"),
        ({"sums": "cc"}, {}, {}, "不是同一个"),
        ({}, {"arch": "aarch64"}, {}, "aarch64"),
        ({}, {}, {"version": "1.10.0"}, "mingcha-agent rollback"),
        ({}, {}, {"buffer_format": 1}, ""),
        ({}, {}, {"buffer_format": 3}, ""),
        ({}, {}, {"buffer_format": 4}, "中间的版本"),
        ({}, {"buffer_format": 4}, {}, "中间的版本"),
        ({}, {}, {"free": 2999}, "磁盘"),
    ],
)
def test_why_a_box_does_not_begin(
    job: dict[str, object], manifest: dict[str, object], have: dict[str, object], says: str
) -> None:
    """P-REL-01."""
    said = upgrade.refusal(replace(JOB, **job), replace(MANIFEST, **manifest), replace(HAVE, **have), 60)
    assert bool(said) == bool(says)
    assert says in said


@dataclass
class Disk:
    """What outlives a power cut; `heard` is what the hall is told."""

    marker: Pending | None
    linked: str = "old"
    trusted: str = "old"
    heard: list[str] = field(default_factory=list)
    trials: int = 0


class CutError(Exception):
    """The power went."""


def turn(disk: Disk, faults: list[str], cuts: list[bool]) -> None:
    """As the box does it, each write of its own; it may be cut off before any of them."""

    def write() -> None:
        if cuts and cuts.pop():
            raise CutError

    is_back = False
    while disk.marker is not None:
        pending = disk.marker
        move = upgrade.next_move(pending, disk.linked, is_back=is_back)
        write()
        if move is Move.FLIP:
            disk.linked = pending.release
        elif move is Move.FLIP_BACK:
            disk.linked = pending.previous
        elif move is Move.RETURN:
            is_back = True
        elif move is Move.TRIAL:
            disk.marker = begun = upgrade.trying(pending)
            if begun.phase is Phase.TRY:
                disk.trials += 1
                write()
                disk.marker = upgrade.judged(begun, faults.pop() if faults else "")
        else:
            disk.heard.append(pending.phase.value)
            write()
            if pending.phase is Phase.DONE:
                disk.trusted = pending.release
            write()
            disk.marker = None


@given(
    faults=st.lists(st.sampled_from(["", "crash"]), max_size=3),
    cuts=st.lists(st.booleans(), max_size=40),
    boots=st.lists(st.booleans(), max_size=40),
)
def test_wherever_it_is_cut_it_ends_on_a_release_that_passed(
    faults: list[str], cuts: list[bool], boots: list[bool]
) -> None:
    is_bad = bool(faults) and faults[-1] != ""
    disk = Disk(Pending("j1", "new", "old"))
    while disk.marker is not None:
        try:
            turn(disk, faults, cuts)
        except CutError:
            assert disk.trusted == "old" or disk.linked == "new"
            if boots and boots.pop() and disk.marker is not None:
                disk.marker = upgrade.booted(disk.marker)
                if disk.marker.phase is Phase.BACK:
                    disk.linked = disk.marker.previous
    assert disk.linked == disk.trusted
    assert len(set(disk.heard)) == 1
    assert (disk.linked == "new") == (disk.heard[-1] == "done")
    assert not (is_bad and disk.linked == "new" and disk.trials == 1)
    assert disk.trials <= upgrade.MOST_TRIES


@given(faults=st.sampled_from([[""], ["crash"]]))
def test_without_a_cut_the_gate_alone_decides(faults: list[str]) -> None:
    expected = "old" if faults[0] else "new"
    disk = Disk(Pending("j1", "new", "old"))
    turn(disk, faults, [])
    assert (disk.linked, disk.trials) == (expected, 1)


def test_a_release_that_takes_the_box_down_with_it_has_so_many_boots() -> None:
    pending = Pending("j1", "new", "old")
    for _ in range(upgrade.MOST_BOOTS):
        pending = upgrade.booted(pending)
        assert pending.phase is Phase.TRY
    assert upgrade.booted(pending).phase is Phase.BACK
    done = replace(pending, phase=Phase.DONE)
    assert upgrade.booted(done) == done
