"""An MQTT 3.1.1 broker inside the process: for the demonstration on a machine without Mosquitto, never more.

Plain TCP, therefore loopback alone; batches stay sealed and hello, welcome and acknowledgement signed. It forgets
everything when the process ends, which is harmless: truth lies in the buffers and in the hall's database.
"""

import ipaddress
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig

from common.core.errors import ConfigError
from common.mqtt import MqttConfig

PLUGINS = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}


@asynccontextmanager
async def embedded_broker(config: MqttConfig) -> AsyncIterator[None]:
    """Serve on `config.host:config.port` for as long as the block runs. Raises ConfigError for any other use."""
    if not _is_loopback(config.host) or config.version != 3 or config.tls:
        raise ConfigError(
            f"演示用消息服务只能在本机使用，且 mqtt.version = 3、tls = false（现为 {config.host}，{config.version}）",
            hint="正式使用请安装 Mosquitto，并去掉 embedded_broker",
        )
    logging.getLogger("amqtt").setLevel(logging.ERROR)
    logging.getLogger("transitions").setLevel(logging.ERROR)
    listener = ListenerConfig(bind=f"{config.host}:{config.port}")
    broker = Broker(BrokerConfig(listeners={"default": listener}, plugins=PLUGINS))
    try:
        await broker.start()
    except Exception as error:
        raise ConfigError(
            f"演示用消息服务不能在 {config.host}:{config.port} 启动：{error}",
            hint="请换一个端口，或停掉占用它的程序",
        ) from error
    try:
        yield
    finally:
        await broker.shutdown()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
