"""Asking a provider what became of a message: what each kind of answer proves."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest

from care.channels.aliyun import AliyunProvider
from care.channels.base import Found, Outcome, Outgoing, Provider
from care.channels.http import HttpProvider
from care.channels.tencent import TencentProvider
from care.channels.wire import endpoint
from care.simulator import ACCESS_KEY_ID, ACCESS_KEY_SECRET, SDK_APP_ID
from care.simulator.server import SimulatorServer, make_server

PHONE = "13800001111"
EACH = ["aliyun", "tencent", "http"]
CHINA_OFFSET = timedelta(hours=8)


def client(name: str, url: str, secret: str = ACCESS_KEY_SECRET, read_s: float = 0.5) -> Provider:
    where = endpoint(url, read_s=read_s)
    if name == "aliyun":
        return AliyunProvider(where, ACCESS_KEY_ID, secret, sign_name="熟客小馆")
    if name == "http":
        return HttpProvider(where, ACCESS_KEY_ID, secret, sign_name="熟客小馆", prefix="/sms/v1")
    return TencentProvider(where, ACCESS_KEY_ID, secret, SDK_APP_ID, sign_name="熟客小馆")


def outgoing(out_id: str = "m-1", **changes) -> Outgoing:
    fields = {
        "phone": PHONE,
        "sign": "",
        "template": "100001",
        "params": {"name": "王总"},
        "at": datetime.now(UTC),
    }
    return Outgoing(out_id, **{**fields, **changes})


def ledger(simulator: SimulatorServer, out_id: str = "") -> list:
    return simulator.desk.ledger.select(out_id=out_id)


def today() -> date:
    return (datetime.now(UTC) + CHINA_OFFSET).date()


def find(provider: Provider, out_id: str = "m-1", sent_on: date | None = None):
    return provider.find(out_id, PHONE, sent_on or today(), at=datetime.now(UTC))


class TestFind:
    @pytest.mark.parametrize("name", ["aliyun", "http"])
    def test_what_was_taken_is_found_although_the_answer_was_lost(self, simulator, name):
        simulator.desk.behaviour.set({"mode": "accept_then_timeout", "count": 1})
        provider = client(name, simulator.url)
        assert provider.send(outgoing()).outcome is Outcome.UNKNOWN

        finding = find(provider)

        assert (finding.found, finding.count) == (Found.FOUND_ACCEPTED, 1)
        assert find(provider, "m-other").found is Found.NOT_FOUND

    @pytest.mark.parametrize(
        ("status", "found"),
        [("delivered", Found.FOUND_DELIVERED), ("undelivered", Found.FOUND_UNDELIVERED)],
    )
    @pytest.mark.parametrize("name", EACH)
    def test_what_the_operator_reported_is_found(self, simulator, name, status, found):
        simulator.desk.pusher.configure({"mode": "early", "status": status})
        simulator.desk.behaviour.set({"mode": "accept_then_timeout", "count": 1})
        provider = client(name, simulator.url)
        provider.send(outgoing())
        assert find(provider).found is found

    def test_tencent_cannot_prove_that_a_message_was_not_taken(self, simulator):
        provider = client("tencent", simulator.url)
        unsent = find(provider)
        assert (unsent.found, unsent.code) == (Found.UNAVAILABLE, "Local.NotReportedYet")

        provider.send(outgoing())
        assert find(provider).found is Found.UNAVAILABLE

        [entry] = ledger(simulator)
        simulator.desk.ledger.report(entry, "delivered", "DELIVRD", datetime.now(UTC).isoformat())
        finding = find(provider)
        assert (finding.found, finding.message_id) == (Found.FOUND_DELIVERED, entry.message_id)

    @pytest.mark.parametrize("name", EACH)
    def test_a_failing_query_proves_nothing(self, simulator, name):
        simulator.desk.behaviour.set({"query_down": True})
        assert find(client(name, simulator.url)).found is Found.UNAVAILABLE
        assert find(client(name, simulator.url, secret="not-it")).found is Found.UNAVAILABLE
        assert find(client(name, "http://127.0.0.1:9")).found is Found.UNAVAILABLE

    @pytest.mark.parametrize(("name", "days"), [("aliyun", 31), ("tencent", 9), ("http", 31)])
    def test_beyond_the_providers_memory_nothing_is_proven(self, simulator, name, days):
        finding = find(client(name, simulator.url), sent_on=today() - timedelta(days=days))
        assert (finding.found, finding.code) == (Found.UNAVAILABLE, "Local.TooOld")

    @pytest.mark.parametrize("name", ["aliyun", "http"])
    def test_a_message_may_stay_invisible_for_a_while(self, simulator, name):
        provider = client(name, simulator.url)
        simulator.desk.behaviour.set({"query_lag_ms": 60_000})
        provider.send(outgoing())
        assert find(provider).found is Found.NOT_FOUND
        simulator.desk.behaviour.set({"query_lag_ms": 0})
        assert find(provider).found is Found.FOUND_ACCEPTED

    @pytest.mark.parametrize("name", ["aliyun", "http"])
    def test_a_message_taken_twice_is_counted(self, simulator, name):
        provider = client(name, simulator.url)
        provider.send(outgoing())
        provider.send(outgoing())
        assert find(provider).count == 2

    def test_every_page_is_read(self, simulator):
        provider = client("aliyun", simulator.url)
        for index in range(120):
            assert provider.send(outgoing(f"m-{index}")).outcome is Outcome.ACCEPTED
        assert find(provider, "m-0").found is Found.FOUND_ACCEPTED
        assert find(provider, "m-120").found is Found.NOT_FOUND

    @pytest.mark.parametrize("name", EACH)
    def test_a_message_sent_before_midnight_and_taken_after_it_is_found(self, name):
        before = datetime(2026, 6, 20, 15, 59, 58, tzinfo=UTC)
        after = before + timedelta(seconds=5)
        server = make_server(0, env={})
        server.desk.clock = lambda: after
        server.desk.pusher.configure({"mode": "early"})
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        try:
            provider = client(name, server.url)
            assert provider.send(outgoing(at=before)).outcome is Outcome.ACCEPTED
            finding = provider.find("m-1", PHONE, date(2026, 6, 20), at=after)
            assert finding.found is Found.FOUND_DELIVERED
        finally:
            server.shutdown()
            server.server_close()
