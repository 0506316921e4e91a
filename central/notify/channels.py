"""Which channels this hall has, by its configuration and the secrets that it keeps."""

from central.config import NotifyConfig
from central.core.message import Channel as Kind
from central.notify import vault
from central.notify.base import Channel
from central.notify.chat import Chat
from central.notify.inbox import Inbox
from central.notify.mail import Mail
from central.notify.modem import Modem
from central.notify.sms_http import HttpSms
from common.clock import Clock

Channels = dict[Kind, Channel]


def configured(config: NotifyConfig, kept: dict[str, bytes], sign_secret: bytes, clock: Clock) -> Channels:
    """`kept`: sealed secrets by name. Of a gateway and a modem the gateway sends.

    Raises ConfigError for a template that is no JSON, a secret that does not open, a missing component.
    """

    def secret(name: str) -> str:
        return vault.opened(sign_secret, name, kept.get(name))

    found: Channels = {Kind.INBOX: Inbox()}
    if config.sms.url:
        found[Kind.SMS] = HttpSms(config.sms, secret("sms"), clock)
    elif config.modem.port:
        found[Kind.SMS] = Modem(config.modem, secret("modem"))
    if config.mail.host:
        found[Kind.MAIL] = Mail(config.mail, secret("mail"), clock)
    if config.chat:
        found[Kind.CHAT] = Chat(secret("chat"))
    return found
