"""The prescribed route of an item as an automaton: one transition per step, each oddity told once."""

from collections.abc import Sequence

from central.core.item import RouteStep


def follow(route: Sequence[RouteStep], names: Sequence[str], *, ended: bool) -> list[str]:
    """What `names`, the steps in their order, do otherwise than `route`: extra, reversed, skipped.

    A step that comes again at once is the same one going on. What has not come yet is skipped only where a later one
    has come or the case has `ended`.
    """
    places = {step.name: place for place, step in enumerate(route)}
    odd: list[str] = []
    seen: set[int] = set()
    reached = -1
    for number, name in enumerate(names):
        place = places.get(name)
        if place is None:
            odd.append(f"多出“{name}”")
        elif place < reached and not (number and names[number - 1] == name):
            odd.append(f"“{name}”在“{route[reached].name}”之后")
        if place is not None:
            seen.add(place)
            reached = max(reached, place)
    upto = len(route) if ended else max(reached, 0)
    odd += [
        f"缺“{step.name}”"
        for place, step in enumerate(route[:upto])
        if place not in seen and not step.optional
    ]
    return list(dict.fromkeys(odd))
