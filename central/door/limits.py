"""How often somebody may ask. Kept in memory: a restart forgets it, and only whoever can restart the door gains by that."""

from collections import OrderedDict

from msgspec import Struct

from central.core import throttle
from central.core.throttle import Allowance
from common.core.instant import DAY, HOUR, MINUTE

REMEMBERED = 50_000


ASKED = "查得太频繁了。请过一会儿再试，或打 {helpline}，工作人员帮您查。"
SENT = "从您这个网络今天提交的太多了。写好的内容还在这一页：请换一个网络（如手机流量）再提交，或打 {helpline}，工作人员帮您办。"
PUT_UP = "从您这个网络刚才传的文件太多了。可以先不附文件提交，或过一会儿再传。"


class Budget(Struct, frozen=True):
    """So many within so long, and as many at once. `said`: to whom has none left."""

    name: str
    most: int
    span: int
    said: str = ASKED


PAGES = Budget("pages", 600, MINUTE)
"""Of one address: a whole service centre may stand behind it."""
QUERIES = Budget("queries", 30, MINUTE)
NUMBER = Budget("number", 8, HOUR)
"""Of one number, whether it exists or not, right or wrong: ten thousand endings take fifty days."""
RATINGS = Budget("ratings", 60, DAY, SENT)
"""Of one address: a whole service centre may stand behind it."""
COMPLAINTS = Budget("complaints", 20, DAY, SENT)
UPLOADS = Budget("uploads", 60, HOUR, PUT_UP)


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
