"""An SMTP server on loopback that takes all mail and keeps it: what RFC 5321 has a client say, and no more."""

from __future__ import annotations

import socketserver
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any


class MailSink:
    """`messages` in the order in which they came. While it `refuses`, no sender is taken."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.refuses = False
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _session_of(self))
        self._server.daemon_threads = True

    @property
    def connection(self) -> str:
        """The URI of an Airflow connection to it."""
        host, port = self._server.server_address[:2]
        return (
            f"smtp://{host}:{port}/?disable_ssl=true&disable_tls=true&from_email=inventory%40example.com&retry_limit=0"
        )

    def __enter__(self) -> MailSink:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _session_of(sink: MailSink) -> type[socketserver.StreamRequestHandler]:
    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 sink")
            for line in self.rfile:
                verb = line.split(b" ")[0].strip().upper()
                if verb == b"DATA":
                    self.say("354 go on")
                    sink.messages.append(_parsed(self.until_dot()))
                elif verb == b"MAIL" and sink.refuses:
                    self.say("550 not today; the password is hunter2hunter2")
                    continue
                self.say("221 bye" if verb == b"QUIT" else "250 fine")
                if verb == b"QUIT":
                    return

        def until_dot(self) -> bytes:
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line[1:] if line.startswith(b"..") else line)
            return b"".join(lines)

        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    return Session


def _parsed(data: bytes) -> EmailMessage:
    parsed: Any = message_from_bytes(data, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def html_of(message: EmailMessage) -> str:
    body = message.get_body(("html",))
    assert body is not None
    return str(body.get_content())
