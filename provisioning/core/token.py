"""The text of an enrolment token, `mc1.SITE.SECRET`: what a technician copies, and what the hall keeps of it."""

import hashlib
import re
from base64 import urlsafe_b64encode

SECRET_BYTES = 16
_FORM = re.compile(r"mc1\.([a-z][a-z0-9-]{0,30})\.([A-Za-z0-9_-]{22})")


def text(site: str, secret: bytes) -> str:
    """`secret` is random, `SECRET_BYTES` long."""
    return f"mc1.{site}.{urlsafe_b64encode(secret).decode().rstrip('=')}"


def site_of(token: str) -> str:
    """Empty for what is no token."""
    found = _FORM.fullmatch(token)
    return found[1] if found else ""


def digest(token: str) -> bytes:
    """All that is stored of it."""
    return hashlib.sha256(token.encode()).digest()
