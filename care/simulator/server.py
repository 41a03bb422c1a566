"""The HTTP door: one port for the providers' calls, the ledger, the page and the levers."""

import argparse
import json
import os
import socket
import struct
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from care.simulator import ACCESS_KEY_ID, ACCESS_KEY_SECRET, SDK_APP_ID, SIGN_NAME, aliyun, plain, tencent
from care.simulator.behaviour import PROVIDERS
from care.simulator.desk import Desk, Dialect, Fate, Out, national
from care.simulator.ledger import Entry, Ledger
from care.simulator.page import SHOWN, page
from care.simulator.push import Pusher, Settings
from care.simulator.signatures import Keys, Refusal, Request

HOST = "127.0.0.1"
MAX_BODY = 4 << 20
HOLD_SECONDS = 60.0


class SimulatorServer(ThreadingHTTPServer):
    """A running simulator; `desk` is its core."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int, desk: Desk) -> None:
        # Before the port: a port that is taken closes the server again, and the desk with it.
        self.desk = desk
        super().__init__((HOST, port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that hangs up is not news; anything else is."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    @property
    def url(self) -> str:
        """The address to give to a client."""
        return f"http://{HOST}:{self.server_address[1]}"

    def server_close(self) -> None:
        """Close the port, the pusher and the ledger."""
        super().server_close()
        self.desk.pusher.close()
        self.desk.ledger.close()


def make_server(
    port: int,
    *,
    state: Path | None = None,
    sync: bool = True,
    receipts_to: str = "",
    aliyun_window_s: int = 900,
    tencent_window_s: int = 300,
    plain_window_s: int = 300,
    env: Mapping[str, str] = os.environ,
) -> SimulatorServer:
    """Build a simulator on the loopback; port 0 picks a free one. Raises OSError, ValueError.

    `receipts_to` is the address of our web server, without a path.
    """
    ledger = Ledger(state, sync=sync)
    base = receipts_to.rstrip("/")
    settings = Settings()
    pusher = Pusher(ledger, {"aliyun": aliyun, "tencent": tencent, "http": plain}, settings)
    if base:
        pusher.configure(
            {
                "url": f"{base}/hooks/sms/{{provider}}/receipts/",
                "reply_url": f"{base}/hooks/sms/{{provider}}/replies/",
            }
        )
    keys = Keys(
        env.get("SMS_ACCESS_KEY_ID") or ACCESS_KEY_ID,
        env.get("SMS_ACCESS_KEY_SECRET") or ACCESS_KEY_SECRET,
        timedelta(seconds=aliyun_window_s),
        timedelta(seconds=tencent_window_s),
        timedelta(seconds=plain_window_s),
    )
    sdk_app_id = env.get("SMS_SDK_APP_ID") or SDK_APP_ID
    return SimulatorServer(port, Desk(keys=keys, ledger=ledger, pusher=pusher, sdk_app_id=sdk_app_id))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--port", type=int, required=True, help="0 picks a free port")
    parser.add_argument("--state", type=Path, help="keep the ledger in this file")
    parser.add_argument("--no-fsync", action="store_true", help="survive a kill, not a power cut")
    parser.add_argument("--receipts-to", default="", help="address of the web server")
    parser.add_argument("--aliyun-window", type=int, default=900, help="seconds")
    parser.add_argument("--tencent-window", type=int, default=300, help="seconds")
    parser.add_argument("--plain-window", type=int, default=300, help="seconds")


def run(options: Mapping[str, Any], say: Callable[[str], object]) -> None:
    """Serve until interrupted. Raises OSError (port taken) or ValueError (bad address)."""
    server = make_server(
        options["port"],
        state=options["state"],
        sync=not options["no_fsync"],
        receipts_to=options["receipts_to"],
        aliyun_window_s=options["aliyun_window"],
        tencent_window_s=options["tencent_window"],
        plain_window_s=options["plain_window"],
    )
    say(f"{server.url}/")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()


def main(arguments: Sequence[str] | None = None) -> None:
    """`python -m care.simulator`."""
    parser = argparse.ArgumentParser(prog="care.simulator", description=__doc__)
    add_arguments(parser)
    run(vars(parser.parse_args(arguments)), lambda line: print(line, flush=True))


class _Handler(BaseHTTPRequestHandler):
    server: SimulatorServer
    protocol_version = "HTTP/1.1"
    server_version = "sms-simulator"
    sys_version = ""
    wbufsize = -1
    disable_nagle_algorithm = True
    _is_reset = False

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def finish(self) -> None:
        """Close; a connection to be reset lingers for nothing, so that closing sends an RST."""
        if self._is_reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        super().finish()
        if self._is_reset:
            self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the request line holds phone numbers."""

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY:
            self.close_connection = True
            self._give(_json({"error": "body"}, 413))
            return
        parts = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=parts.path,
            query=parts.query,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(length)),
        )
        if "x-acs-action" in request.headers:
            self._call(aliyun, request)
        elif "x-tc-action" in request.headers:
            self._call(tencent, request)
        elif "x-sms-signature" in request.headers:
            self._call(plain, request)
        elif urlsplit(f"//{request.headers.get('host', '')}").hostname not in {HOST, "localhost"}:
            # A web page that resolves its own name to this machine must not read the ledger.
            self._give(_json({"error": "host"}, 403))
        else:
            self._give(self._control(request))

    def _call(self, dialect: Dialect, request: Request) -> None:
        try:
            out, delay = self.server.desk.handle(dialect, request)
        except Refusal as refused:
            out, delay = dialect.refusal(refused.code, refused.message, refused.status), 0.0
        except (ValueError, TypeError):
            out, delay = dialect.refusal("InvalidParameter", "not understood", 400), 0.0
        if delay:
            time.sleep(delay)
        self._give(out)

    def _control(self, request: Request) -> Out:
        desk = self.server.desk
        try:
            match request.method, request.path:
                case "GET", "/":
                    shown = page(desk.ledger.last(SHOWN), len(desk.ledger.select()))
                    return Out(200, shown, content_type="text/html; charset=utf-8")
                case "GET", "/health":
                    return _json({"ok": True})
                case "GET", "/ledger":
                    asked = {key: values[-1] for key, values in parse_qs(request.query).items()}
                    return _json(_ledger(desk, asked))
                case "GET", "/templates":
                    return _json(desk.templates.all())
                case "POST", "/templates":
                    return _json(_template(desk, _wish(request)))
                case "GET", "/behave":
                    return _json(desk.behaviour.as_json())
                case "POST", "/behave":
                    desk.behaviour.set(_wish(request))
                    return _json(desk.behaviour.as_json())
                case "POST", "/behave/reset":
                    desk.behaviour.reset()
                    return _json(desk.behaviour.as_json())
                case "GET", "/receipts":
                    return _json(desk.pusher.as_json())
                case "POST", "/receipts/configure":
                    desk.pusher.configure(_wish(request))
                    return _json(desk.pusher.as_json())
                case "POST", "/reply":
                    return _json(_reply(desk, _wish(request)))
        except (ValueError, TypeError) as error:
            return _json({"error": str(error)}, 400)
        return _json({"error": "no such address"}, 404)

    def _give(self, out: Out) -> None:
        if out.fate is Fate.HOLD:
            self._hold()
            return
        if out.fate is Fate.RESET:
            self.close_connection = self._is_reset = True
            return
        self.send_response(out.status)
        self.send_header("Content-Type", out.content_type)
        self.send_header("Content-Length", str(len(out.body)))
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(out.body)

    def _hold(self) -> None:
        """Never answer: wait until the caller hangs up, at most a minute."""
        self.close_connection = True
        self.connection.settimeout(HOLD_SECONDS)
        with suppress(OSError):
            self.connection.recv(1)


def _json(value: object, status: int = 200) -> Out:
    return Out(status, json.dumps(value, ensure_ascii=False).encode())


def _wish(request: Request) -> dict[str, Any]:
    wish = json.loads(request.body or b"{}")
    if not isinstance(wish, dict):
        raise ValueError("a JSON object is needed")
    return wish


def _ledger(desk: Desk, asked: Mapping[str, str]) -> dict[str, Any]:
    phone = asked.get("phone", "")
    # In a query string an unescaped "+86" arrives as " 86".
    phone = national(f"+{phone[1:]}" if phone.startswith(" ") else phone)
    entries = desk.ledger.select(
        phone=phone, out_id=asked.get("out_id", ""), provider=asked.get("provider", "")
    )
    return {
        "accepted": [_shown(entry) for entry in entries],
        "count": len(entries),
        "total": desk.ledger.total,
    }


def _shown(entry: Entry) -> dict[str, Any]:
    shown = asdict(entry)
    del shown["nonce"]
    return shown


def _template(desk: Desk, wish: Mapping[str, Any]) -> dict[str, str]:
    code, text = wish.get("code"), wish.get("text")
    if not isinstance(code, str) or not (text is None or isinstance(text, str)):
        raise ValueError("code, and text (none to withdraw it)")
    if text is None:
        desk.templates.withdraw(code)
    else:
        desk.templates.register(code, text)
    return desk.templates.all()


def _reply(desk: Desk, wish: Mapping[str, Any]) -> dict[str, Any]:
    phone, text = wish.get("phone"), wish.get("text")
    if not isinstance(phone, str) or not isinstance(text, str):
        raise ValueError("phone and text are needed")
    phone = national(phone)
    sent = desk.ledger.select(phone=phone)
    provider = wish.get("provider") or (sent[-1].provider if sent else "aliyun")
    if provider not in PROVIDERS:
        raise ValueError(f"provider must be one of {', '.join(PROVIDERS)}")
    sign = sent[-1].sign if sent else SIGN_NAME
    return {"arrived": desk.pusher.reply(provider, phone, text, sign, desk.clock())}
