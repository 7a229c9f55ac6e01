"""A mail server for a test host, whose Python is 3.9: TLS from the first byte, login, one file a mail.

smtp_server.py PORT CERTIFICATE FOLDER USER PASSWORD
"""

from __future__ import annotations

import base64
import socketserver
import ssl
import sys
from pathlib import Path

PORT, CERTIFICATE, FOLDER, USER, PASSWORD = sys.argv[1:]


class Session(socketserver.StreamRequestHandler):
    """One connection. A file's first line is the envelope, the rest the mail."""

    def handle(self) -> None:
        logged_in, envelope = False, []
        self.say("220 mail.example.gob.ec ESMTP")
        while line := self.rfile.readline().decode().strip():
            command, _space, rest = line.partition(" ")
            command = command.upper()
            if command == "EHLO":
                self.say("250-mail.example.gob.ec\r\n250 AUTH PLAIN")
            elif command == "AUTH":
                given = base64.b64decode(rest.partition(" ")[2]).split(b"\0")[1:]
                logged_in = given == [USER.encode(), PASSWORD.encode()]
                self.say("235 OK" if logged_in else "535 5.7.8 no")
            elif command in ("MAIL", "RCPT") and logged_in:
                envelope.append(rest.partition("<")[2].partition(">")[0])
                self.say("250 OK")
            elif command == "DATA" and len(envelope) > 1:
                self.say("354 go on")
                content = b"".join(iter(self.rfile.readline, b".\r\n"))
                number = len(list(Path(FOLDER).iterdir()))
                (Path(FOLDER) / f"{number}.eml").write_bytes(" ".join(envelope).encode() + b"\n" + content)
                self.say("250 OK")
            elif command == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("530 5.7.0 no")

    def say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


class Server(socketserver.ThreadingTCPServer):
    """Speaks TLS only."""

    allow_reuse_address = True

    def get_request(self) -> tuple[ssl.SSLSocket, object]:
        connection, address = super().get_request()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        return context.wrap_socket(connection, server_side=True), address

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust us hangs up."""


if __name__ == "__main__":
    with Server(("127.0.0.1", int(PORT)), Session) as server:
        server.serve_forever()
