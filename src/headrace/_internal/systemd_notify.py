"""Messages of a process to the service manager that has started it (sd_notify of systemd).

Source: sd_notify(3): a datagram to the socket that ``NOTIFY_SOCKET`` names; a name that begins with
``@`` is one of the abstract namespace. Without such a manager nothing is sent.
"""

from __future__ import annotations

import os
import socket


def notify_ready() -> None:
    """Tell the manager that the process has started and does its work."""
    _send("READY=1")


def notify_alive() -> None:
    """Tell the manager that the process goes on; one that is silent for long is restarted."""
    _send("WATCHDOG=1")


def notify_stopping() -> None:
    """Tell the manager that the process is about to end."""
    _send("STOPPING=1")


def _send(message: str) -> None:
    name = os.environ.get("NOTIFY_SOCKET", "")
    if not name:
        return
    address = f"\0{name[1:]}" if name.startswith("@") else name
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.connect(address)
            sender.sendall(message.encode())
    except OSError:
        # The manager restarts what it does not hear of; there is nobody else to tell.
        return
