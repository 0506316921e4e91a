"""Cameras of one network, to be run in a network namespace: `python -m tests.camera.responder ADDRESS`.

Answers WS-Discovery at the group and at its own address (with strange neighbours that send garbage from the same place),
and serves ONVIF on port 8000. Prints `ready`, and ends with its standard input.
"""

import re
import socket
import struct
import sys
import threading

from agent.camera.discovery import GROUP, PORT
from tests.camera import onvif_device
from tests.camera.onvif_device import Device

ONVIF_PORT = 8000


def match(number: str, address: str, scopes: str = "", types: str = "dn:NetworkVideoTransmitter") -> str:
    """An answer to the question `number`, as cameras send it."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
        'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
        'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" '
        'xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><s:Header><a:MessageID>urn:uuid:1</a:MessageID>'
        f"<a:RelatesTo>{number}</a:RelatesTo></s:Header><s:Body><d:ProbeMatches><d:ProbeMatch>"
        "<a:EndpointReference><a:Address>urn:uuid:2</a:Address></a:EndpointReference>"
        f"<d:Types>{types}</d:Types><d:Scopes>{scopes}</d:Scopes><d:XAddrs>{address}</d:XAddrs>"
        "<d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches></s:Body></s:Envelope>"
    )


def answer(sock: socket.socket, host: str) -> None:
    while True:
        asked, sender = sock.recvfrom(65536)
        found = re.search(rb"MessageID>(urn:uuid:[0-9a-f-]{36})<", asked)
        if not found or b"NetworkVideoTransmitter" not in asked:
            continue
        scopes = "onvif://www.onvif.org/name/Test onvif://www.onvif.org/hardware/T1"
        said = match(found[1].decode(), f"http://192.0.2.7:{ONVIF_PORT}/onvif/device_service", scopes)
        sock.sendto(b"\0\1<<<", sender)
        sock.sendto(b'<!DOCTYPE x [<!ENTITY a "b">]>' + said.encode(), sender)
        sock.sendto(said.encode(), sender)


def main() -> None:
    host = sys.argv[1]
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("", PORT))
    group = struct.pack("4s4s", socket.inet_aton(GROUP), socket.inet_aton(host))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
    threading.Thread(target=answer, args=(sock, host), daemon=True).start()
    with onvif_device.running(Device(), host, ONVIF_PORT):
        print("ready", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
