"""What the audit trail says of a site's records: which buffers began, in which order, how far they had come, which records
nobody could read when they came, and which of these people settled.

Theory. A letter that was given up, a buffer that was taken out, a record that was there when its box declared its number lost
and was taken out afterwards, or one that is called unreadable and was not when it came, leaves no trace in what the boxes
signed. All are lines of the audit, which the hall signs: so `mingcha verify` holds the tables against it.
"""

import re
from collections import defaultdict
from collections.abc import Iterable

from central.core.trail import Line
from common.core.state import LetterState

EPOCH_OPEN, EPOCH_REACHED, EPOCH_LOST = "epoch.open", "epoch.reached", "epoch.lost"
DEAD_CAME = "dead.came"
_ACTS = {LetterState.DROPPED: "dead.drop", LetterState.REINJECTED: "dead.reinject"}
_SUBJECT = re.compile(
    r"(?P<site>[^/]+)/(?P<epoch>([0-9a-f]{2})+)(/(?P<lo>[0-9]{1,19})(-(?P<hi>[0-9]{1,19}))?)?"
)

_RUN = re.compile(r"(?P<lo>[0-9]{1,19})(-(?P<hi>[0-9]{1,19}))?")


def epoch_name(site: str, epoch: bytes) -> str:
    """The subject of a line about an epoch."""
    return f"{site}/{epoch.hex()}"


def run_name(site: str, epoch: bytes, lo: int, hi: int) -> str:
    """The subject of a line about numbers of an epoch."""
    return f"{epoch_name(site, epoch)}/{lo}" + (f"-{hi}" if hi > lo else "")


def reached_name(site: str, epoch: bytes, upto: int) -> str:
    """The subject of a line that says how far the hall had an epoch then."""
    return f"{epoch_name(site, epoch)}/1-{upto}"


def runs_said(runs: Iterable[tuple[int, int]]) -> str:
    """The reason of a line that says which numbers were not there when their box declared them lost, or were unreadable."""
    return ",".join(str(lo) if lo == hi else f"{lo}-{hi}" for lo, hi in runs)


class Noted:
    """Feed it the trail in order."""

    def __init__(self) -> None:
        self.epochs: defaultdict[str, list[bytes]] = defaultdict(list)
        """Site -> its epochs in the order in which they began."""
        self.reached: defaultdict[tuple[str, bytes], dict[int, bytes]] = defaultdict(dict)
        """(site, epoch) -> number up to which all was held at some time -> chain value at it; empty: not known."""
        self.lost: defaultdict[tuple[str, bytes], list[tuple[int, int]]] = defaultdict(list)
        """(site, epoch) -> runs of numbers that the hall did not hold when the box declared them lost."""
        self.came: defaultdict[tuple[str, bytes], list[tuple[int, int]]] = defaultdict(list)
        """(site, epoch) -> runs of numbers whose records nobody could read when they came."""
        self._settled: defaultdict[tuple[str, str, bytes], list[tuple[int, int]]] = defaultdict(list)

    def feed(self, lines: Iterable[Line]) -> None:
        """What is about something else, or reads otherwise, is passed over."""
        for line in lines:
            said = _SUBJECT.fullmatch(line.subject)
            if said is None:
                continue
            site, epoch = said["site"], bytes.fromhex(said["epoch"])
            if line.act == EPOCH_OPEN:
                self.epochs[site].append(epoch)
            elif line.act == EPOCH_REACHED and said["hi"]:
                self.reached[site, epoch][int(said["hi"])] = _bytes(line.why)
            elif line.act == EPOCH_LOST:
                self.lost[site, epoch] += _runs(line.why)
            elif line.act == DEAD_CAME:
                self.came[site, epoch] += _runs(line.why)
            elif line.act in _ACTS.values():
                lo, hi = said["lo"], said["hi"] or said["lo"]
                span = (int(lo), int(hi)) if lo else (1, 1 << 62)
                self._settled[line.act, site, epoch].append(span)

    def vouches(self, site: str, epoch: bytes, seq: int, state: LetterState) -> bool:
        """Whether the letter was unreadable when it came, and somebody is named who brought it into `state`; nobody needs to
        leave it open."""
        runs = self._settled.get((_ACTS.get(state, ""), site, epoch), ())
        is_settled = state is LetterState.OPEN or _in(seq, runs)
        return is_settled and _in(seq, self.came.get((site, epoch), ()))

    def disordered(self, site: str, epochs: list[bytes]) -> list[str]:
        """Where a site's `epochs`, in their order, are not those that began."""
        began = self.epochs.get(site, [])
        found = [f"审计写着启用过的缓存 {one.hex()} 不在本库" for one in began if one not in epochs]
        found += [f"缓存 {one.hex()} 没有启用的审计" for one in epochs if one not in began]
        both = [one for one in began if one in epochs]
        if both != [one for one in epochs if one in began]:
            found.append("各份缓存的先后与审计写下的不同")
        return found


def _runs(text: str) -> list[tuple[int, int]]:
    """Inverse of `runs_said`, without what reads otherwise."""
    found = (_RUN.fullmatch(run) for run in text.split(","))
    return [(int(one["lo"]), int(one["hi"] or one["lo"])) for one in found if one]


def _in(seq: int, runs: Iterable[tuple[int, int]]) -> bool:
    return any(lo <= seq <= hi for lo, hi in runs)


def _bytes(text: str) -> bytes:
    """Empty for what is no hexadecimal number."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
