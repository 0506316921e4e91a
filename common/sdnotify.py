"""Tell systemd that we are ready, alive or stopping (sd_notify(3)); nothing happens without NOTIFY_SOCKET."""

import os
import socket


def notify(message: str) -> None:
    """Send e.g. `READY=1`, `WATCHDOG=1`, `STOPPING=1`, `STATUS=...`."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(message.encode(), address)
