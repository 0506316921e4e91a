"""Passwords as argon2id (RFC 9106), computed in a small pool of threads so that pages never wait for them."""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher()
_POOL = ThreadPoolExecutor(2, thread_name_prefix="argon2")  # 64 MiB each: two at a time
# No 0/O, 1/l/I: a one-time password is read from one screen and typed on another.
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"


async def hash_password(text: str) -> str:
    """-> the encoded hash with its parameters and salt."""
    return await asyncio.get_running_loop().run_in_executor(_POOL, _HASHER.hash, text)


async def verify_password(hashed: str, text: str) -> bool:
    """False for a wrong password and for an unreadable hash alike."""
    return await asyncio.get_running_loop().run_in_executor(_POOL, _verify, hashed, text)


def _verify(hashed: str, text: str) -> bool:
    try:
        return _HASHER.verify(hashed, text)
    except (VerificationError, InvalidHashError):
        return False


def one_time() -> str:
    """A first password, `xxxx-xxxx-xxxx`: about 59 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))
