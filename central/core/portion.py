"""How much judging one site may cause in one transaction: it is bounded by what the site has sent, not by what it touches.

Theory. A judgement folds every row of its case, so a batch of a few bytes can ask for any amount of work, and in the
meantime nobody else's receipt is written. A case of more rows than any office makes is not judged at all; what is above
the portion is judged later, by the ticker, in transactions of their own.
"""

MOST_ROWS = 2_000
"""Of one case: real ones have fewer than 300."""
FLOOR = 20_000
PER_RECORD = 20


class Portion:
    """Of one transaction of one site; `records`: how many it has sent in it."""

    def __init__(self, records: int = 0) -> None:
        self.left = FLOOR + PER_RECORD * records

    def admits(self, rows: int) -> bool:
        """Whether a case of so many rows is judged now. The first one is, whatever is left then."""
        if self.left <= 0:
            return False
        self.left -= rows
        return True
