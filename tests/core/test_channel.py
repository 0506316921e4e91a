"""The hall's fan-out: what each viewer gets of one upload, as a property over whatever a box sends."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from central.core.channel import MOST_BYTES, MOST_KEPT, MOST_WAITING, Channel, Viewer
from common.core import live
from common.core.live import Frame, Kind, Shown

FIRST = {Kind.STATE, Kind.PICTURE, Kind.SOUND}
PLAYED = msgspec.json.encode(Shown(codec="avc1.42C01E"))
"""Something is sent."""
Act = tuple[str, Kind]
acts = st.lists(
    st.tuples(st.sampled_from(["send", "send", "send", "join", "hear", "read"]), st.sampled_from(list(Kind))),
    max_size=80,
)


def kinds(viewer: Viewer) -> str:
    return "".join(frame.kind.value for frame in viewer.taken())


def sent(channel: Channel, text: str) -> None:
    for number, letter in enumerate(text):
        channel.take(Frame(Kind(letter), number, PLAYED))


@given(acts)
def test_whoever_joins_begins_with_a_key_frame_and_loses_nothing_between(said: list[Act]) -> None:
    """P-LIVE-04: after an initialisation or a loss the first fragment is a key frame; what follows is as it was sent."""
    channel, log = Channel(), list[Frame]()
    seen: list[tuple[Viewer, list[Frame]]] = []
    for number, (act, kind) in enumerate(said):
        if act == "send":
            log.append(Frame(kind, number, PLAYED))
            channel.take(log[-1])
        elif act == "read":
            for viewer, got in seen:
                got.extend(viewer.taken())
        else:
            seen.append((channel.join(hears=act == "hear"), []))
    for viewer, got in seen:
        got.extend(viewer.taken())
        begun = False
        for frame in got:
            if frame.kind in FIRST:
                begun = begun and frame.kind is Kind.STATE
                continue
            assert begun or frame.kind is Kind.KEY
            begun = True
        assert viewer.hears or not any(frame.kind in {Kind.AUDIO, Kind.SOUND} for frame in got)
        moving = [frame.at for frame in got if frame.kind not in FIRST]
        assert moving == sorted(set(moving))


def test_a_joining_viewer_has_the_state_the_initialisation_and_the_newest_group() -> None:
    channel = Channel()
    sent(channel, "SIJKFAFKFA")
    assert kinds(channel.join(hears=False)) == "SIKF"
    assert kinds(channel.join(hears=True)) == "SIJKFA"
    sent(channel, "I")
    assert kinds(channel.join(hears=True)) == "SI", "the group before belongs to another initialisation"


def test_a_slow_viewer_loses_frames_and_a_fast_one_beside_it_none() -> None:
    channel = Channel()
    sent(channel, "SIK")
    slow, fast = channel.join(hears=False), channel.join(hears=False)
    got = ""
    for _ in range(MOST_WAITING):
        sent(channel, "F")
        got += kinds(fast)
    assert got == "SIK" + "F" * MOST_WAITING
    sent(channel, "FFKF")
    assert kinds(slow) == "SIKF"
    channel.leave(slow)
    channel.leave(slow)
    assert channel.viewers == [fast]


def test_a_stream_without_key_frames_fills_no_memory() -> None:
    channel = Channel()
    sent(channel, "SIK" + "F" * (MOST_KEPT + 5))
    assert kinds(channel.join(hears=False)) == "SI"


def test_neither_large_frames_nor_states_without_end_fill_the_memory_of_a_slow_viewer() -> None:
    channel = Channel()
    slow, large = channel.join(hears=True), bytes(MOST_BYTES // 8)
    sent(channel, "SIJK")
    for number in range(20):
        channel.take(Frame(Kind.MORE, number, large))
    assert sum(len(frame.payload) for frame in slow.waiting) <= MOST_BYTES
    assert kinds(channel.join(hears=True)) == "SIJ", "nor does the newest group"
    sent(channel, "S" * (MOST_WAITING + 5))
    assert len(slow.waiting) < MOST_WAITING
    assert kinds(slow).rstrip("S") == "SIJ"
    sent(channel, "IJIKJKFFA")
    assert kinds(slow) == "IJIKJKFFA"
    sent(channel, "IJI" + "KFFA" * MOST_WAITING)
    assert kinds(slow).startswith("IK"), "the sound of an initialisation that is over goes with it"


@given(st.sampled_from(list(Kind)), st.integers(0, 2**60), st.binary(max_size=50))
def test_a_frame_comes_back_as_it_went(kind: Kind, at: int, payload: bytes) -> None:
    """P-LIVE-02."""
    frame = Frame(kind, at, payload)
    assert live.unpacked(live.packed(frame)) == frame


@given(st.binary(max_size=30))
def test_bytes_that_are_no_frame_are_a_value_error(raw: bytes) -> None:
    """P-LIVE-02."""
    try:
        frame = live.unpacked(raw)
    except ValueError:
        return
    assert live.packed(frame) == raw


def test_whoever_joins_while_nothing_is_sent_is_told_why_and_not_given_what_was() -> None:
    """Else a browser begins with a picture of no known coding, or shows one that is long over."""
    channel = Channel()
    sent(channel, "SIJKFA")
    before = channel.join(hears=True)
    channel.take(Frame(Kind.STATE, 9, msgspec.json.encode(Shown(fault="线路正在传办件，画面让路"))))
    assert kinds(channel.join(hears=True)) == "S"
    assert kinds(before) == "SIJKFAS", "whoever looked on already loses nothing"
    sent(channel, "FSIJFKF")
    assert kinds(channel.join(hears=True)) == "SIJKF"
