"""Names and telephones of people who do not exist, drawn from the random numbers passed in."""

import random

from msgspec import Struct

_SURNAMES: tuple[str, ...] = (
    *"王李张刘陈杨赵黄周吴徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹",
    "欧阳",
    "司马",
    "诸葛",
)
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰建国红梅志文海燕春晓宇欣浩晨思雨佳子轩"
_RARE = ("喆", "堃", "翀", "赟", "垚", "镕", "珺", "䶮", "㛃", "𬱖")
"""Characters that registers of persons do hold; the last three are not in GBK, only in GB18030."""
_TRADES = (
    "商贸有限公司",
    "餐饮店",
    "超市",
    "农资经营部",
    "建材有限公司",
    "汽车服务部",
    "养殖场",
    "药房",
    "宾馆",
)
_LUCKY = "鑫源盛泰恒达宏兴瑞丰和顺康安永聚"


class Staff(Struct, frozen=True):
    """Who works in one office."""

    clerks: tuple[str, ...]
    reviewers: tuple[str, ...]
    chief: str


def person(rng: random.Random) -> str:
    """Two to four characters, now and then a rare one."""
    given = "".join(rng.choices(_GIVEN, k=rng.choice((1, 2, 2, 2))))
    if rng.random() < 0.03:
        given = given[:-1] + rng.choice(_RARE)
    return rng.choice(_SURNAMES) + given


def firm(rng: random.Random, place: str) -> str:
    return place + "".join(rng.sample(_LUCKY, 2)) + rng.choice(_TRADES)


def phone(rng: random.Random) -> str:
    """Eleven digits that nobody can be called at: no mobile number begins with 100."""
    return f"100{rng.randrange(10**8):08}"


def staff(rng: random.Random) -> Staff:
    return Staff(
        clerks=tuple(person(rng) for _ in range(3)),
        reviewers=tuple(person(rng) for _ in range(4)),
        chief=person(rng),
    )
