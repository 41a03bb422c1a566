"""What the simulator pushes: receipts and replies in the providers' forms, in every order."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from care.channels import PROVIDERS
from care.channels.aliyun import AliyunProvider
from care.channels.base import Outgoing, Provider
from care.channels.http import HttpProvider
from care.channels.tencent import TencentProvider
from care.channels.wire import endpoint
from care.simulator import ACCESS_KEY_ID, ACCESS_KEY_SECRET, SDK_APP_ID
from care.simulator.push import is_on_this_machine
from care.simulator.server import SimulatorServer

PHONE = "13800001111"


class Receiver(ThreadingHTTPServer):
    """Our side of the pushes: keeps what arrives; answers with `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receive)
        self.got: list[tuple[str, bytes]] = []
        self.status = 200
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def receipts(self, name: str) -> list:
        bodies = [body for path, body in list(self.got) if path == f"/hooks/sms/{name}/receipts/"]
        return [receipt for body in bodies for receipt in PROVIDERS[name].parse_receipts(body)]


class _Receive(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args) -> None:
        pass


@pytest.fixture
def receiver(simulator: SimulatorServer) -> Iterator[Receiver]:
    server = Receiver()
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    simulator.desk.pusher.configure(
        {
            "url": server.url + "/hooks/sms/{provider}/receipts/",
            "reply_url": server.url + "/hooks/sms/{provider}/replies/",
            "mode": "normal",
            "delay_ms": 20,
        }
    )
    yield server
    server.shutdown()
    server.server_close()


def client(name: str, url: str) -> Provider:
    where = endpoint(url, read_s=1.0)
    if name == "aliyun":
        return AliyunProvider(where, ACCESS_KEY_ID, ACCESS_KEY_SECRET, sign_name="熟客小馆")
    if name == "http":
        return HttpProvider(where, ACCESS_KEY_ID, ACCESS_KEY_SECRET, sign_name="熟客小馆")
    return TencentProvider(where, ACCESS_KEY_ID, ACCESS_KEY_SECRET, SDK_APP_ID, sign_name="熟客小馆")


def send(url: str, out_id: str, *, name: str = "aliyun", phone: str = PHONE, who: str = "王总"):
    at = datetime.now(UTC)
    return client(name, url).send(Outgoing(out_id, phone, "", "100001", {"name": who}, at))


def call(url: str, method: str, path: str, value: object = None, host: str = "") -> tuple[int, str]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    headers = {"Host": host} if host else {}
    connection.request(method, path, json.dumps(value) if value is not None else None, headers)
    response = connection.getresponse()
    answer = response.status, response.read().decode()
    connection.close()
    return answer


def until(condition, seconds: float = 5.0) -> None:
    """Wait for what happens in another thread or process."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


@pytest.mark.parametrize("name", ["aliyun", "tencent", "http"])
class TestReceipts:
    def test_a_receipt_names_the_message(self, simulator, receiver, name):
        answer = send(simulator.url, "m-1", name=name)
        until(lambda: receiver.receipts(name))
        [receipt] = receiver.receipts(name)
        assert (receipt.message_id, receipt.phone) == (answer.message_id, PHONE)
        assert receipt.delivered
        assert receipt.out_id == ("" if name == "tencent" else "m-1")

    def test_an_early_receipt_arrives_before_the_answer(self, simulator, receiver, name):
        simulator.desk.pusher.configure({"mode": "early", "status": "undelivered"})
        send(simulator.url, "m-1", name=name)
        assert [receipt.delivered for receipt in receiver.receipts(name)] == [False]

    def test_twice_is_the_same_report_twice(self, simulator, receiver, name):
        simulator.desk.pusher.configure({"mode": "twice", "delay_ms": 0})
        send(simulator.url, "m-1", name=name)
        until(lambda: len(receiver.receipts(name)) == 2)
        assert len({receipt.dedupe_key for receipt in receiver.receipts(name)}) == 1

    def test_contradicting_reports_differ(self, simulator, receiver, name):
        simulator.desk.pusher.configure({"status": "contradict", "delay_ms": 0})
        send(simulator.url, "m-1", name=name)
        until(lambda: len(receiver.receipts(name)) == 2)
        assert [receipt.delivered for receipt in receiver.receipts(name)] == [True, False]
        assert len({receipt.dedupe_key for receipt in receiver.receipts(name)}) == 2

    def test_shuffled_reports_all_arrive_in_another_order(self, simulator, receiver, name):
        simulator.desk.pusher.configure({"mode": "shuffled", "delay_ms": 50})
        sent = [send(simulator.url, f"m-{index}", name=name).message_id for index in range(20)]
        until(lambda: len(receiver.receipts(name)) == 20)
        arrived = [receipt.message_id for receipt in receiver.receipts(name)]
        assert sorted(arrived) == sorted(sent)
        assert arrived != sent

    def test_a_push_that_is_not_taken_comes_again_and_then_no_more(self, simulator, receiver, name):
        simulator.desk.pusher.configure({"ladder_s": [0.01, 0.01], "delay_ms": 0})
        receiver.status = 503
        send(simulator.url, "m-1", name=name)
        until(lambda: simulator.desk.pusher.as_json()["lost"] == 1)
        assert len(receiver.got) == 3
        assert simulator.desk.pusher.as_json()["pushed"] == 0

    def test_a_reply_comes_in_the_providers_form(self, simulator, receiver, name):
        send(simulator.url, "m-1", name=name)
        _, text = call(simulator.url, "POST", "/reply", {"phone": f"+86{PHONE}", "text": " R。"})
        assert json.loads(text) == {"arrived": True}
        [body] = [body for path, body in receiver.got if path == f"/hooks/sms/{name}/replies/"]
        [reply] = PROVIDERS[name].parse_replies(body)
        assert (reply.phone, reply.text) == (PHONE, " R。")
        assert abs(reply.at - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("url", "ok"),
    [
        ("http://127.0.0.1:8000/x", True),
        ("http://localhost/{provider}/", True),
        ("http://[::1]:8000/", True),
        ("http://10.0.0.1/", False),
        ("https://127.0.0.1/", False),
        ("file:///etc/passwd", False),
        ("http://127.0.0.1.example.com/", False),
    ],
)
def test_pushes_stay_on_this_machine(url, ok):
    assert is_on_this_machine(url) is ok
