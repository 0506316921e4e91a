"""E-mail by SMTP. Its Message-ID is made of the key: mail sent again is the same mail, which readers show once."""

import ssl
from email.message import EmailMessage
from email.utils import formatdate

import aiosmtplib

from central.config import MailConfig
from central.core.gateway import Receipt
from central.notify.base import Parcel, UncertainError
from common.clock import Clock
from common.core.errors import RejectedError, UnavailableError
from common.core.instant import SECOND
from common.core.text import one_line

_HINT = "请核对 central.toml 的 [notify.mail] 与口令（mingcha message secret mail）"


class Mail:
    """One server; a connection for each message, as there are a few a day."""

    is_repeatable = True
    has_receipts = False
    is_final = False

    def __init__(self, config: MailConfig, secret: str, clock: Clock) -> None:
        self._config, self._secret, self._clock = config, secret, clock

    async def send(self, parcel: Parcel) -> str:
        sender = self._config.sender or self._config.user
        made = EmailMessage()
        made["From"], made["To"], made["Subject"] = sender, parcel.to, parcel.title
        made["Date"] = formatdate(self._clock.wall() / SECOND)
        made["Message-ID"] = f"<{parcel.key}@{sender.rpartition('@')[2] or 'mingcha'}>"
        made.set_content(parcel.text)
        client = await self._open()
        try:
            await client.send_message(made)
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _of_code(error.recipients[0].code, error.recipients[0].message) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _of_code(error.code, error.message) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise UncertainError(f"邮件服务器没有应答（{_why(error)}）", hint="可能已经发出") from error
        finally:
            client.close()
        return str(made["Message-ID"])

    async def receipts(self) -> list[Receipt]:
        return []

    async def check(self) -> str:
        (await self._open()).close()
        return f"邮件服务器 {self._config.host}:{self._config.port} 连得上，登录成功"

    async def close(self) -> None:
        """Each message has a connection of its own."""

    async def _open(self) -> aiosmtplib.SMTP:
        """Raises UnavailableError, RejectedError where the log-in is refused."""
        config = self._config
        context = ssl.create_default_context(cafile=None if config.ca is None else str(config.ca))
        client = aiosmtplib.SMTP(
            hostname=config.host,
            port=config.port,
            use_tls=config.security == "tls",
            start_tls=config.security == "starttls",
            tls_context=None if config.security == "none" else context,
            timeout=config.timeout_secs,
        )
        try:
            await client.connect()
            if config.user:
                await client.login(config.user, self._secret)
        except aiosmtplib.SMTPAuthenticationError as error:
            client.close()
            raise RejectedError(f"邮件服务器不认这个账号（{_why(error)}）", hint=_HINT) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            client.close()
            raise UnavailableError(f"邮件服务器连不上（{_why(error)}）", hint=_HINT) from error
        return client


def _of_code(code: int, said: str) -> UnavailableError | RejectedError:
    """A 4xx is for now, a 5xx for good (RFC 5321 4.2.1)."""
    shown = one_line(f"{code} {said}", 200)
    if code < 500:
        return UnavailableError(f"邮件服务器暂不受理（{shown}）", hint="会自动重试")
    return RejectedError(f"邮件服务器拒收（{shown}）", hint="请核对收件人的邮箱")


def _why(error: Exception) -> str:
    return one_line(str(error), 200) or type(error).__name__
