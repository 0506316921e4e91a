"""Are these all the buffers of a site, and in their order? By what the boxes signed, and how many boxes there were."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from common.core.record import Checkpoint


class Witness(Struct, frozen=True):
    """What the box signed in `epoch` of one that was before it."""

    epoch: bytes
    body: Checkpoint


def misordered(epochs: Sequence[bytes], said: Iterable[Witness]) -> list[str]:
    """Where the order of a site's `epochs`, or their number, is not what its boxes signed.

    An epoch begins by signing the one before it: so none can be left out, or put behind its successor. `said`: in order
    of numbers in each epoch.
    """
    places = {epoch: place for place, epoch in enumerate(epochs, 1)}
    behind = dict[bytes, int]()
    found = []
    for item in said:
        former, own = places.get(item.body.epoch), places.get(item.epoch)
        if former is None:
            found.append(f"站点签名说过的缓存 {item.body.epoch.hex()} 不在本库")
        elif own is not None and not behind.get(item.epoch, 0) <= former < own:
            found.append(f"站点签名说第 {former} 份缓存 {item.body.epoch.hex()} 在前，序号却不是")
        behind[item.epoch] = max(behind.get(item.epoch, 0), former or 0)
    return list(dict.fromkeys(found))


def silent(registered: Iterable[int], heard: Iterable[int]) -> list[int]:
    """Generations of a site's box of which there is no epoch: never connected, or taken out.

    `registered`: those that the hall knows of; `heard`: those that have one.
    """
    return sorted(set(registered) - set(heard))


def unregistered(registered: Iterable[int], heard: Iterable[int]) -> list[int]:
    """Generations that nobody honest leaves out: each box is registered under the next number, from 1, and for ever."""
    known, spoken = set(registered), set(heard)
    return [number for number in range(1, max(known | spoken, default=0) + 1) if number not in known | spoken]
