"""Whether words tell who somebody is, or which matter it was, however they are spaced. Pure."""

import unicodedata

FEWEST_DIGITS = 4
"""Of what is a number, ours: what is written in the place of one that nobody knows (“没有”) is none."""


_NARROW = {
    ord(first) + step: ord(first) + step - 0xFEE0
    for first, count in (("０", 10), ("Ａ", 26), ("ａ", 26))
    for step in range(count)
}


def narrow(text: str) -> str:
    """`３００３` as a Chinese keyboard writes it -> `3003`. Brackets stay wide: a number or a name may have them so."""
    return text.translate(_NARROW)


def as_printed(number: str) -> str:
    """A case's number as papers have it: narrow digits and letters, no blanks between."""
    return "".join(narrow(number).split())


def plain(text: str) -> str:
    """Letters and digits as they are compared: one width, one case, nothing between them."""
    return "".join(char for char in unicodedata.normalize("NFKC", text).lower() if char.isalnum())


def tells_who(text: str, name: str, phone: str) -> bool:
    """Whether a text would tell who has complained: the name, the telephone or a good part of it."""
    said, name, phone = (plain(one) for one in (text, name, phone))
    digits, known = ("".join(char for char in one if char.isdigit()) for one in (said, phone))
    return (len(name) > 1 and name in said) or (len(known) >= 7 and (known in digits or known[-7:] in digits))


def tells_number(text: str, number: str) -> bool:
    """Whether a text bears the number of a case or complaint."""
    sought = plain(number)
    return sum(char.isdigit() for char in sought) >= FEWEST_DIGITS and sought in plain(text)
