"""How often somebody may ask. Kept in memory: a restart forgets it, and only whoever can restart the door gains by that."""

from collections import OrderedDict

from msgspec import Struct

from central.core import throttle
from central.core.throttle import Allowance
from common.core.instant import DAY, HOUR, MINUTE

REMEMBERED = 50_000


class Budget(Struct, frozen=True):
    """So many within so long, and as many at once."""

    name: str
    most: int
    span: int


PAGES = Budget("pages", 600, MINUTE)
"""Of one address: a whole service centre may stand behind it."""
QUERIES = Budget("queries", 30, MINUTE)
NUMBER = Budget("number", 8, HOUR)
"""Of one number, whether it exists or not, right or wrong: ten thousand endings take fifty days."""
RATINGS = Budget("ratings", 60, DAY)
"""Of one address: a whole service centre may stand behind it."""
COMPLAINTS = Budget("complaints", 20, DAY)
UPLOADS = Budget("uploads", 60, HOUR)


class Limits:
    """What every address and every number has left."""

    def __init__(self) -> None:
        self._left: OrderedDict[tuple[str, str], Allowance] = OrderedDict()

    def allows(self, budget: Budget, who: str, now_mono: int) -> bool:
        """Spends one, if there is one."""
        place = budget.name, who
        left = throttle.spend(self._left.get(place), now_mono, budget.most, budget.span)
        if left is None:
            return False
        self._left[place] = left
        self._left.move_to_end(place)
        if len(self._left) > REMEMBERED:
            self._left.popitem(last=False)
        return True
