"""The SMS simulator itself: its signature checks, its ledger, its levers and what it pushes."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from care.channels.aliyun import AliyunProvider
from care.channels.base import Outcome, Outgoing, Provider
from care.channels.http import HttpProvider
from care.channels.tencent import TencentProvider
from care.channels.wire import endpoint
from care.management.commands.sms_simulator import Command
from care.simulator import ACCESS_KEY_ID, ACCESS_KEY_SECRET, SDK_APP_ID
from care.simulator.behaviour import Behaviour
from care.simulator.ledger import Ledger
from care.simulator.server import make_server
from care.simulator.signatures import (
    Keys,
    Nonces,
    Refusal,
    Request,
    check_aliyun,
    check_plain,
    check_tencent,
)
from care.simulator.templates import Templates, parts

PHONE = "13800001111"
ROOT = Path(__file__).resolve().parents[2]


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


class TestSignatures:
    """The examples are the providers': Aliyun's from its documentation of signature V3, Tencent
    Cloud's as its own SDK (3.1.195) signed it at a fixed time. The plain one was signed by `openssl dgst`."""

    ALIYUN = Request(
        "POST",
        "/",
        "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai",
        {
            "authorization": "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;"
            "x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
            "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
            "host": "ecs.cn-shanghai.aliyuncs.com",
            "x-acs-action": "RunInstances",
            "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "x-acs-date": "2023-10-26T10:22:32Z",
            "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
            "x-acs-version": "2014-05-26",
        },
        b"",
    )
    ALIYUN_KEYS = Keys("YourAccessKeyId", "YourAccessKeySecret")
    ALIYUN_AT = datetime(2023, 10, 26, 10, 22, 32, tzinfo=UTC)
    TENCENT = Request(
        "POST",
        "/",
        "",
        {
            "authorization": "TC3-HMAC-SHA256 Credential=demo-access-key-id/2026-11-22/sms/"
            "tc3_request, SignedHeaders=content-type;host, "
            "Signature=006c3e544b35e74e85ea62b46caf811868182a3b61464543ad7fbb666df7be70",
            "content-type": "application/json",
            "host": "127.0.0.1:18699",
            "x-tc-action": "SendSms",
            "x-tc-timestamp": "1795363232",
            "x-tc-version": "2021-01-11",
        },
        b'{"PhoneNumberSet": ["+8613800001111"], "SmsSdkAppId": "1400000001", "TemplateId": "100002"}',
    )
    TENCENT_KEYS = Keys("demo-access-key-id", "demo-access-key-secret")
    TENCENT_AT = datetime(2026, 11, 22, 16, 0, 32, tzinfo=UTC)

    PLAIN = Request(
        "POST",
        "/sms/v1/messages",
        "",
        {
            "x-sms-key": "demo-access-key-id",
            "x-sms-timestamp": "1781928000",
            "x-sms-nonce": "n-1",
            "x-sms-signature": "2b095b9732f488a906ef70693dc33b87ecbc6d85761ea929a605cf124a4b1ff4",
        },
        b'{"id": "m-1", "phone": "13800001111"}',
    )
    PLAIN_KEYS = Keys("demo-access-key-id", "demo-access-key-secret")
    PLAIN_AT = datetime(2026, 6, 20, 4, 0, tzinfo=UTC)

    def test_the_providers_own_examples_pass(self):
        aliyun = check_aliyun(self.ALIYUN, self.ALIYUN_KEYS, Nonces(), self.ALIYUN_AT)
        assert aliyun == self.ALIYUN_AT
        assert check_tencent(self.TENCENT, self.TENCENT_KEYS, self.TENCENT_AT) == self.TENCENT_AT
        assert check_plain(self.PLAIN, self.PLAIN_KEYS, Nonces(), self.PLAIN_AT) == self.PLAIN_AT

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"method": "PUT"}, "bad_signature"),
            ({"path": "/sms/v1/messages/query"}, "bad_signature"),
            ({"body": b"{}"}, "bad_signature"),
            ({"headers": {**PLAIN.headers, "x-sms-timestamp": "1781928001"}}, "bad_signature"),
            ({"headers": {**PLAIN.headers, "x-sms-nonce": "n-2"}}, "bad_signature"),
            ({"headers": {**PLAIN.headers, "x-sms-nonce": ""}}, "bad_signature"),
            ({"headers": {**PLAIN.headers, "x-sms-timestamp": "now"}}, "bad_signature"),
            ({"headers": {**PLAIN.headers, "x-sms-key": "other"}}, "bad_key"),
        ],
    )
    def test_whatever_is_changed_in_a_plain_request_breaks_it(self, change, code):
        request = Request(**{**vars(self.PLAIN), **change})
        with pytest.raises(Refusal, match=code):
            check_plain(request, self.PLAIN_KEYS, Nonces(), self.PLAIN_AT)

    def test_a_plain_nonce_is_good_once(self):
        nonces = Nonces()
        check_plain(self.PLAIN, self.PLAIN_KEYS, nonces, self.PLAIN_AT)
        with pytest.raises(Refusal, match="nonce_used"):
            check_plain(self.PLAIN, self.PLAIN_KEYS, nonces, self.PLAIN_AT)

    @pytest.mark.parametrize(
        "change",
        [
            {"method": "GET"},
            {"query": "ImageId=other&RegionId=cn-shanghai"},
            {"body": b"x"},
            {"headers": {**ALIYUN.headers, "x-acs-action": "StopInstances"}},
            {"headers": {**ALIYUN.headers, "host": "elsewhere"}},
        ],
    )
    def test_whatever_is_changed_in_an_aliyun_request_breaks_it(self, change):
        request = Request(**{**vars(self.ALIYUN), **change})
        with pytest.raises(Refusal, match="SignatureDoesNotMatch"):
            check_aliyun(request, self.ALIYUN_KEYS, Nonces(), self.ALIYUN_AT)

    @pytest.mark.parametrize(
        "change",
        [
            {"method": "GET"},
            {"query": "a=b"},
            {"body": TENCENT.body + b" "},
            {"headers": {**TENCENT.headers, "host": "elsewhere"}},
            {"headers": {**TENCENT.headers, "x-tc-timestamp": "1795363233"}},
        ],
    )
    def test_whatever_is_changed_in_a_tencent_request_breaks_it(self, change):
        request = Request(**{**vars(self.TENCENT), **change})
        with pytest.raises(Refusal, match=r"AuthFailure\.SignatureFailure"):
            check_tencent(request, self.TENCENT_KEYS, self.TENCENT_AT)

    def test_an_unsigned_header_of_weight_is_refused(self):
        headers = {**self.ALIYUN.headers, "x-acs-security-token": "t"}
        request = Request(**{**vars(self.ALIYUN), "headers": headers})
        with pytest.raises(Refusal, match="IncompleteSignature"):
            check_aliyun(request, self.ALIYUN_KEYS, Nonces(), self.ALIYUN_AT)

    @pytest.mark.parametrize("sign", [1, -1])
    def test_the_window_is_open_on_both_sides_and_closes(self, sign):
        for seconds, at, check in (
            (900, self.ALIYUN_AT, lambda now: check_aliyun(self.ALIYUN, self.ALIYUN_KEYS, Nonces(), now)),
            (300, self.TENCENT_AT, lambda now: check_tencent(self.TENCENT, self.TENCENT_KEYS, now)),
            (300, self.PLAIN_AT, lambda now: check_plain(self.PLAIN, self.PLAIN_KEYS, Nonces(), now)),
        ):
            check(at + sign * timedelta(seconds=seconds))
            with pytest.raises(Refusal, match=r"Expire|stale"):
                check(at + sign * timedelta(seconds=seconds + 1))

    def test_a_nonce_is_good_once_in_31_minutes(self):
        nonces = Nonces()
        check_aliyun(self.ALIYUN, self.ALIYUN_KEYS, nonces, self.ALIYUN_AT)
        with pytest.raises(Refusal, match="SignatureNonceUsed"):
            check_aliyun(self.ALIYUN, self.ALIYUN_KEYS, nonces, self.ALIYUN_AT)
        assert not nonces.use(
            self.ALIYUN.headers["x-acs-signature-nonce"], self.ALIYUN_AT + timedelta(minutes=31)
        )
        assert nonces.use(
            self.ALIYUN.headers["x-acs-signature-nonce"], self.ALIYUN_AT + timedelta(minutes=32)
        )


class TestLedger:
    def test_the_same_id_accepted_twice_is_there_twice(self, simulator):
        for _ in range(2):
            assert send(simulator.url, "m-1").outcome is Outcome.ACCEPTED
        send(simulator.url, "m-2", phone="13800002222")
        status, text = call(simulator.url, "GET", "/ledger?out_id=m-1")
        answer = json.loads(text)
        assert (status, answer["count"], len(answer["accepted"])) == (200, 2, 2)
        assert set(answer["accepted"][0]) >= {
            *("provider", "phone", "out_id", "template", "params"),
            *("sign", "at", "message_id", "text"),
        }
        for query, count in (("", 3), ("?phone=13800002222", 1), ("?phone=%2B8613800002222", 1)):
            assert json.loads(call(simulator.url, "GET", f"/ledger{query}")[1])["count"] == count

    def test_it_survives_a_kill_and_so_does_the_memory_of_nonces(self, tmp_path):
        state = tmp_path / "ledger.jsonl"
        process, url = start(state)
        try:
            claim = Outgoing("m-1", PHONE, "", "100001", {"name": "王总"}, datetime.now(UTC))
            assert client("aliyun", url).send(claim).outcome is Outcome.ACCEPTED
        finally:
            process.kill()
            process.wait()
        with state.open("ab") as file:
            file.write(b'{"kind": "accepted", "provi')

        process, url = start(state)
        try:
            assert json.loads(call(url, "GET", "/ledger")[1])["count"] == 1
            assert client("aliyun", url).send(claim).code == "SignatureNonceUsed"
            assert send(url, "m-2").outcome is Outcome.ACCEPTED
            until(lambda: '"delivered"' in call(url, "GET", "/ledger?out_id=m-2")[1])
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=5)

        again = Ledger(state)
        assert [entry.out_id for entry in again.select()] == ["m-1", "m-2"]
        assert again.select(out_id="m-2")[0].status == "delivered"
        again.close()

    def test_an_accepted_message_is_on_disk_before_the_answer(self, tmp_path):
        synced = []
        server = make_server(0, state=tmp_path / "l.jsonl", env={})
        original = os.fsync
        try:
            os.fsync = lambda fd: (synced.append((tmp_path / "l.jsonl").read_text()), original(fd))
            threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
            assert send(server.url, "m-1").outcome is Outcome.ACCEPTED
            assert '"m-1"' in synced[-1]
        finally:
            os.fsync = original
            server.shutdown()
            server.server_close()


def start(state: Path) -> tuple[subprocess.Popen, str]:
    """A simulator in a process of its own, without Django."""
    command = [sys.executable, "-m", "care.simulator", "--port", "0", "--state", str(state)]
    env = {"PATH": os.environ["PATH"], "PYTHONUTF8": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip().rstrip("/")


class TestDoors:
    def test_the_page_shows_words_escaped_and_numbers_masked(self, simulator):
        send(simulator.url, "m-1", who="<b>王</b>")
        status, text = call(simulator.url, "GET", "/")
        assert status == 200
        assert "亲爱的&lt;b&gt;王&lt;/b&gt;，祝您生日快乐" in text
        assert "138****1111" in text
        assert PHONE not in text

    def test_health(self, simulator):
        assert call(simulator.url, "GET", "/health") == (200, '{"ok": true}')

    def test_a_foreign_page_in_a_browser_cannot_reach_it(self, simulator):
        assert call(simulator.url, "GET", "/ledger", host="evil.example:80")[0] == 403
        assert call(simulator.url, "POST", "/behave", {}, host="evil.example")[0] == 403

    @pytest.mark.parametrize(
        ("path", "wish"),
        [
            ("/behave", {"mode": "explode"}),
            ("/behave", {"mode": "business_error"}),
            ("/behave", {"mode": "throttle", "probability": 2}),
            ("/behave", {"mode": "throttle", "count": "many"}),
            ("/behave", {"mod": "throttle"}),
            ("/behave", []),
            ("/receipts/configure", {"mode": "sometimes"}),
            ("/receipts/configure", {"url": "http://sms.example.com/"}),
            ("/receipts/configure", {"delay_ms": -1}),
            ("/reply", {"phone": PHONE}),
            ("/templates", {"text": "x"}),
        ],
    )
    def test_nonsense_is_refused_and_changes_nothing(self, simulator, path, wish):
        before = call(simulator.url, "GET", "/behave"), call(simulator.url, "GET", "/receipts")
        assert call(simulator.url, "POST", path, wish)[0] == 400
        assert (call(simulator.url, "GET", "/behave"), call(simulator.url, "GET", "/receipts")) == before
        assert send(simulator.url, "m-1").outcome is Outcome.ACCEPTED

    def test_a_template_can_be_approved_and_withdrawn(self, simulator):
        call(simulator.url, "POST", "/templates", {"code": "777", "text": "${a}好，拒收请回复R"})
        message = Outgoing("m-1", PHONE, "", "777", {"a": "您"}, datetime.now(UTC))
        assert client("tencent", simulator.url).send(message).outcome is Outcome.ACCEPTED
        assert simulator.desk.ledger.select()[0].text == "【熟客小馆】您好，拒收请回复R"
        call(simulator.url, "POST", "/templates", {"code": "777", "text": None})
        assert client("tencent", simulator.url).send(message).outcome is Outcome.CIRCUIT

    def test_the_command_says_in_one_line_that_the_port_is_taken(self, simulator):
        with pytest.raises(CommandError, match=r"sms_simulator: .*in use"):
            call_command(Command(), port=simulator.server_address[1])


class TestBehaviour:
    def test_a_count_runs_out_and_a_reset_ends_everything(self, simulator):
        call(simulator.url, "POST", "/behave", {"mode": "throttle", "count": 2})
        outcomes = [send(simulator.url, f"m-{index}").outcome for index in range(3)]
        assert outcomes == [Outcome.RETRY, Outcome.RETRY, Outcome.ACCEPTED]
        call(simulator.url, "POST", "/behave", {"mode": "throttle"})
        call(simulator.url, "POST", "/behave/reset")
        assert send(simulator.url, "m-9").outcome is Outcome.ACCEPTED

    def test_the_same_seed_draws_the_same_misfortunes_at_the_wanted_rate(self):
        def draws() -> list[str]:
            behaviour = Behaviour()
            behaviour.set({"mode": "throttle", "probability": 0.2, "seed": 7})
            behaviour.set({"mode": "error_5xx_before", "probability": 0.5, "add": True})
            return [behaviour.draw("aliyun").mode for _ in range(2000)]

        first = draws()
        assert first == draws()
        counts = Counter(first)
        assert 330 < counts["throttle"] < 470
        assert 700 < counts["error_5xx_before"] < 900

    def test_one_provider_may_misbehave_alone(self, simulator):
        call(simulator.url, "POST", "/behave", {"mode": "throttle", "provider": "tencent"})
        assert send(simulator.url, "m-1", name="aliyun").outcome is Outcome.ACCEPTED
        assert send(simulator.url, "m-2", name="tencent").outcome is Outcome.RETRY

    def test_an_answer_can_be_slow(self, simulator):
        call(simulator.url, "POST", "/behave", {"delay_ms": 150})
        answer = send(simulator.url, "m-1")
        assert answer.outcome is Outcome.ACCEPTED
        assert answer.took_ms >= 150

    @pytest.mark.parametrize("name", ["aliyun", "tencent", "http"])
    def test_the_limit_per_number_rolls_over_24_hours(self, simulator, name):
        call(simulator.url, "POST", "/behave", {"per_phone_24h": 1})
        assert send(simulator.url, "m-1", name=name).outcome is Outcome.ACCEPTED
        over = send(simulator.url, "m-2", name=name)
        assert (over.outcome, over.wait) == (Outcome.RETRY, timedelta(hours=24))
        assert send(simulator.url, "m-3", name=name, phone="13800002222").outcome is Outcome.ACCEPTED

        later = datetime.now(UTC) + timedelta(hours=24, minutes=1)
        simulator.desk.clock = lambda: later
        message = Outgoing("m-2", PHONE, "", "100001", {"name": "王总"}, later)
        assert client(name, simulator.url).send(message).outcome is Outcome.ACCEPTED


def test_a_query_shows_only_the_asked_day(simulator):
    provider = client("aliyun", simulator.url)
    send(simulator.url, "m-1")
    now = datetime.now(UTC)
    yesterday = (now + timedelta(hours=8)).date() - timedelta(days=2)
    assert provider.find("m-1", PHONE, yesterday, at=now - timedelta(days=0)).count == 0
    assert provider.find("m-1", PHONE, date(2020, 1, 1), at=now).code == "Local.TooOld"


def test_a_long_text_is_billed_in_parts_of_67():
    assert [parts("字" * length) for length in (1, 70, 71, 134, 135)] == [1, 1, 2, 2, 3]


def test_every_built_in_greeting_is_one_message_with_a_way_to_refuse():
    table = Templates()
    filled = {"name": "王先生", "festival": "中秋节", "time": "6月20日18:00", "people": "8"}
    filled |= {"until": "2026年12月30日"}
    filled |= {"what": "松茸汤", "detail": "本周请您先来免费试吃，席位给您留着"}
    for code, text in table.all().items():
        secret = "K7P2M-9XQ4Z" if "券码" in text else "123456"
        words = table.render(code, {**filled, "code": secret}, "熟客小馆")
        assert parts(words) == 1, code
        assert text.endswith("拒收请回复R") == code.startswith("SMS_1")
