"""Our provider clients against a real simulator process boundary: HTTP on the loopback."""

import hashlib
import hmac
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from care.channels import provider_from_settings
from care.channels.aliyun import AliyunProvider
from care.channels.base import Outcome, Outgoing, Provider
from care.channels.http import HttpProvider
from care.channels.tencent import TencentProvider
from care.channels.wire import Result, endpoint
from care.simulator import ACCESS_KEY_ID, ACCESS_KEY_SECRET, SDK_APP_ID
from care.simulator.server import SimulatorServer

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


@pytest.mark.parametrize("name", EACH)
def test_an_accepted_message_is_in_the_ledger_as_the_guest_would_read_it(simulator, name):
    answer = client(name, simulator.url).send(outgoing(params={"name": "王 总+~*&=%"}))

    assert (answer.outcome, answer.http) == (Outcome.ACCEPTED, 200)
    [entry] = ledger(simulator)
    assert (entry.provider, entry.phone, entry.out_id) == (name, PHONE, "m-1")
    assert entry.message_id == answer.message_id != ""
    assert entry.text == (
        "【熟客小馆】亲爱的王 总+~*&=%，祝您生日快乐！感谢您一直以来的支持，愿您天天好心情。拒收请回复R"
    )


@pytest.mark.parametrize("name", EACH)
@pytest.mark.parametrize("phone", ["+8613800001111", "0086 138 0000 1111", "86-138-0000-1111"])
def test_a_number_may_be_written_with_its_country_code(simulator, name, phone):
    assert client(name, simulator.url).send(outgoing(phone=phone)).outcome is Outcome.ACCEPTED
    assert [entry.phone for entry in ledger(simulator)] == [PHONE]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("aliyun", "SignatureDoesNotMatch"),
        ("tencent", "AuthFailure.SignatureFailure"),
        ("http", "bad_signature"),
    ],
)
def test_a_wrong_secret_stops_the_whole_account_and_sends_nothing(simulator, name, code):
    answer = client(name, simulator.url, secret="not-it").send(outgoing())

    assert (answer.outcome, answer.code, answer.scope) == (Outcome.CIRCUIT, code, "account")
    assert ledger(simulator) == []


@pytest.mark.parametrize(
    ("name", "window_s", "code"),
    [
        ("aliyun", 900, "InvalidTimeStamp.Expired"),
        ("tencent", 300, "AuthFailure.SignatureExpire"),
        ("http", 300, "stale_timestamp"),
    ],
)
def test_a_sender_that_slept_through_the_window_is_refused_by_the_provider(simulator, name, window_s, code):
    provider = client(name, simulator.url)
    late = provider.send(outgoing(at=datetime.now(UTC) - timedelta(seconds=window_s + 5)))

    assert (late.outcome, late.code) == (Outcome.RETRY, code)
    assert ledger(simulator) == []
    in_time = provider.send(outgoing(at=datetime.now(UTC) - timedelta(seconds=window_s - 5)))
    assert in_time.outcome is Outcome.ACCEPTED


@pytest.mark.parametrize("name", EACH)
@pytest.mark.parametrize(
    ("mode", "outcome", "taken"),
    [
        ("accept_then_timeout", Outcome.UNKNOWN, 1),
        ("timeout_before_accept", Outcome.UNKNOWN, 0),
        ("reset_after_accept", Outcome.UNKNOWN, 1),
        ("reset_before_accept", Outcome.UNKNOWN, 0),
        ("error_5xx_after_accept", Outcome.UNKNOWN, 1),
        ("error_5xx_before", Outcome.UNKNOWN, 0),
        ("garbage_after_accept", Outcome.UNKNOWN, 1),
        ("throttle", Outcome.RETRY, 0),
    ],
)
def test_every_way_to_misbehave_is_told_apart_by_what_it_proves(simulator, name, mode, outcome, taken):
    simulator.desk.behaviour.set({"mode": mode, "count": 1})
    provider = client(name, simulator.url, read_s=0.3)

    answer = provider.send(outgoing())

    assert answer.outcome is outcome
    assert len(ledger(simulator)) == taken
    assert answer.took_ms < 3000
    assert provider.send(outgoing("m-2")).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize("name", EACH)
def test_a_message_may_be_taken_after_the_client_has_given_up(simulator, name):
    simulator.desk.behaviour.set({"mode": "late_accept", "seconds": 0.6})
    assert client(name, simulator.url, read_s=0.2).send(outgoing()).outcome is Outcome.UNKNOWN
    assert ledger(simulator) == []
    until(lambda: len(ledger(simulator)) == 1)


ALIYUN_CODES = {
    Outcome.REFUSED: "isv.MOBILE_NUMBER_ILLEGAL isv.TEMPLATE_MISSING_PARAMETERS "
    "isv.PARAM_LENGTH_LIMIT isv.PARAM_NOT_SUPPORT_URL isv.SMS_CONTENT_ILLEGAL "
    "isv.BLACK_KEY_CONTROL_LIMIT isv.INVALID_JSON_PARAM",
    Outcome.RETRY: "isv.BUSINESS_LIMIT_CONTROL Throttling.User Throttling.Api InvalidTimeStamp.Expired",
    Outcome.CIRCUIT: "isv.OUT_OF_SERVICE isv.AMOUNT_NOT_ENOUGH isv.ACCOUNT_ABNORMAL "
    "isv.SMS_TEMPLATE_ILLEGAL isv.SMS_SIGNATURE_ILLEGAL isv.DAY_LIMIT_CONTROL "
    "isp.RAM_PERMISSION_DENY InvalidAccessKeyId.NotFound SignatureDoesNotMatch",
    Outcome.UNKNOWN: "isp.SYSTEM_ERROR SignatureNonceUsed isv.SOMETHING_NEW InternalError OKAY",
}
TENCENT_CODES = {
    Outcome.REFUSED: "InvalidParameterValue.IncorrectPhoneNumber "
    "FailedOperation.PhoneNumberInBlacklist FailedOperation.ContainSensitiveWord "
    "FailedOperation.TemplateParamSetNotMatchApprovedTemplate",
    Outcome.RETRY: "LimitExceeded.PhoneNumberDailyLimit LimitExceeded.PhoneNumberThirtySecondLimit "
    "RequestLimitExceeded AuthFailure.SignatureExpire",
    Outcome.CIRCUIT: "UnauthorizedOperation.ServiceSuspendDueToArrears "
    "FailedOperation.InsufficientBalanceInSmsPackage FailedOperation.TemplateUnapprovedOrNotExist "
    "UnauthorizedOperation.IndividualUserMarketingSmsPermissionDeny "
    "FailedOperation.SignatureIncorrectOrUnapproved AuthFailure.SecretIdNotFound",
    Outcome.UNKNOWN: "InternalError.Timeout InternalError.OtherError InternalError.SendAndRecvFail "
    "FailedOperation.SomethingNew OK",
}
HTTP_CODES = {
    Outcome.REFUSED: "bad_number blocked_number bad_params bad_content",
    Outcome.RETRY: "too_many_requests stale_timestamp number_limit_hour number_limit_day outside_hours",
    Outcome.CIRCUIT: "bad_template bad_sign bad_key bad_signature no_credit suspended",
    Outcome.UNKNOWN: "nonce_used something_new OK",
}


@pytest.mark.parametrize(
    ("name", "code", "outcome"),
    [
        (name, code, outcome)
        for name, table in (("aliyun", ALIYUN_CODES), ("tencent", TENCENT_CODES), ("http", HTTP_CODES))
        for outcome, codes in table.items()
        for code in codes.split()
    ],
)
def test_a_documented_code_is_judged_and_an_unknown_one_is_unknown(simulator, name, code, outcome):
    simulator.desk.behaviour.set({"mode": "business_error", "code": code})
    answer = client(name, simulator.url).send(outgoing())

    assert (answer.outcome, answer.code) == (outcome, code[:60])
    assert (answer.scope != "") == (outcome is Outcome.CIRCUIT)
    assert (answer.wait is not None) == (outcome is Outcome.RETRY)
    assert ledger(simulator) == []


@pytest.mark.parametrize("name", EACH)
def test_a_withdrawn_template_opens_the_circuit_of_this_template_only(simulator, name):
    simulator.desk.templates.withdraw("100001")
    provider = client(name, simulator.url)
    refused = provider.send(outgoing())
    assert (refused.outcome, refused.scope) == (Outcome.CIRCUIT, "template")
    assert provider.send(outgoing(template="100002", params={})).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize("name", EACH)
@pytest.mark.parametrize("value", ["", "王" * 36, "www.example.com"])
def test_a_variable_the_provider_does_not_take_refuses_this_message(simulator, name, value):
    answer = client(name, simulator.url).send(outgoing(params={"name": value}))
    assert answer.outcome is Outcome.REFUSED
    assert ledger(simulator) == []


def test_a_lone_surrogate_is_refused_before_anything_is_sent(simulator):
    answer = client("aliyun", simulator.url).send(outgoing(params={"name": "\ud800"}))
    assert (answer.outcome, answer.code) == (Outcome.REFUSED, "Local.NotText")


@pytest.mark.parametrize(("name", "code"), [("aliyun", "SignatureNonceUsed"), ("http", "nonce_used")])
def test_the_same_claim_arriving_twice_is_taken_once_and_the_second_answer_proves_nothing(
    simulator, name, code
):
    claim = outgoing()
    provider = client(name, simulator.url)
    assert provider.send(claim).outcome is Outcome.ACCEPTED
    again = provider.send(claim)
    assert (again.outcome, again.code) == (Outcome.UNKNOWN, code)
    assert len(ledger(simulator)) == 1


def test_nothing_listens_so_nothing_was_sent():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        for name in EACH:
            answer = client(name, url).send(outgoing())
            assert (answer.outcome, answer.code, answer.http) == (
                Outcome.RETRY,
                "Local.NotSent",
                None,
            )


def test_a_failed_handshake_means_that_nothing_was_sent(simulator):
    url = simulator.url.replace("http://", "https://")
    assert client("aliyun", url).send(outgoing()).outcome is Outcome.RETRY
    assert ledger(simulator) == []


@contextmanager
def odd_server(chunks: list[bytes], pause_s: float = 0.0) -> Iterator[tuple[str, list[bytes]]]:
    """A server that reads a request, writes `chunks` and hangs up; yields its address and what it read."""
    requests: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    requests.append(connection.recv(65536))
                    try:
                        for chunk in chunks:
                            connection.sendall(chunk)
                            time.sleep(pause_s)
                    except OSError:
                        pass

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", requests
        listener.shutdown(socket.SHUT_RDWR)


OK_BODY = b'{"Code":"OK","BizId":"1^0"}'
ODD_ANSWERS = {
    "hangs up": [],
    "half a status line": [b"HTTP/1.1 20"],
    "no HTTP": [b"SSH-2.0-OpenSSH\r\n\r\n"],
    "body cut short": [b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + OK_BODY],
    "a list": [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"],
    "no code": [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"],
    "empty": [b"HTTP/1.1 204 No Content\r\n\r\n"],
    "moved": [b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"],
    "an OK with 500": [b"HTTP/1.1 500 X\r\nContent-Length: 27\r\n\r\n" + OK_BODY],
    "an OK with 403": [b"HTTP/1.1 403 X\r\nContent-Length: 27\r\n\r\n" + OK_BODY],
    "a refusal with 502": [b'HTTP/1.1 502 X\r\nContent-Length: 30\r\n\r\n{"Code":"isv.OUT_OF_SERVICE"} '],
}


@pytest.mark.parametrize("chunks", ODD_ANSWERS.values(), ids=ODD_ANSWERS.keys())
def test_an_answer_that_proves_nothing_is_unknown_and_is_not_sent_again(chunks):
    with odd_server(chunks) as (url, requests):
        answer = client("aliyun", url).send(outgoing())
        assert (answer.outcome, answer.message_id) == (Outcome.UNKNOWN, "")
        assert len(requests) == 1


def test_an_answer_that_drips_in_ends_at_the_deadline():
    drops = [bytes([byte]) for byte in b"HTTP/1.1 200 OK\r\nX-Padding: " + b"x" * 100]
    with odd_server(drops, pause_s=0.05) as (url, _):
        answer = client("aliyun", url, read_s=0.4).send(outgoing())
    assert answer.outcome is Outcome.UNKNOWN
    assert 350 <= answer.took_ms < 1500


def test_a_complete_answer_is_read_without_waiting_for_the_end_of_the_connection():
    body = b"HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n" + OK_BODY
    with odd_server([body, b""], pause_s=1.0) as (url, _):
        answer = client("aliyun", url).send(outgoing())
    assert (answer.outcome, answer.message_id) == (Outcome.ACCEPTED, "1^0")
    assert answer.took_ms < 900


def test_details_for_people_carry_no_phone_number():
    body = b'{"Code":"isv.OUT_OF_SERVICE","Message":"13800001111 refused"}'
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with odd_server([head + body]) as (url, _):
        assert client("aliyun", url).send(outgoing()).detail == "… refused"


class TestTencentVariables:
    """Tencent numbers its variables; stored names have lost their order."""

    TEXT = {"name": "王总", "festival": "中秋"}

    def test_several_names_without_an_order_are_refused_unsent(self, simulator):
        answer = client("tencent", simulator.url).send(outgoing(template="100003", params=self.TEXT))
        assert (answer.outcome, answer.code) == (Outcome.REFUSED, "Local.ParamOrder")
        assert ledger(simulator) == []

    @pytest.mark.parametrize(
        ("params", "order"),
        [(TEXT, ("name", "festival")), ({"2": "中秋", "1": "王总"}, ())],
    )
    def test_a_given_order_or_numbers_decide(self, simulator, params, order):
        provider = client("tencent", simulator.url)
        provider.send(outgoing(template="100003", params=params, order=order))
        assert ledger(simulator)[0].text.startswith("【熟客小馆】亲爱的王总，中秋到了")

    def test_an_order_that_names_other_variables_is_refused(self, simulator):
        answer = client("tencent", simulator.url).send(
            outgoing(template="100003", params=self.TEXT, order=("name", "day"))
        )
        assert answer.outcome is Outcome.REFUSED


class TestPlainJson:
    """What a gateway of one's own is told, and what its answers prove."""

    WHOLE = "【熟客小馆】亲爱的王总，祝您生日快乐！感谢您一直以来的支持，愿您天天好心情。拒收请回复R"

    def test_the_whole_text_goes_along(self, simulator):
        provider = client("http", simulator.url)
        assert provider.send(outgoing(text=self.WHOLE)).outcome is Outcome.ACCEPTED
        other = provider.send(outgoing("m-2", text=self.WHOLE.replace("王总", "李总")))
        assert (other.outcome, other.code) == (Outcome.REFUSED, "bad_content")

    def test_the_signature_covers_path_body_time_and_nonce(self, monkeypatch):
        """The signature of a request, computed by hand from what would leave."""
        left = []
        monkeypatch.setattr(
            "care.channels.http.post", lambda *said: left.append(said) or Result(False, None, None, 0)
        )
        client("http", "http://127.0.0.1:9").send(outgoing(at=datetime(2026, 6, 20, 4, 0, tzinfo=UTC)))
        [(_, target, said, body)] = left
        assert (target, said["x-sms-timestamp"]) == ("/sms/v1/messages", "1781928000")
        covered = (
            f"POST\n/sms/v1/messages\n1781928000\n{said['x-sms-nonce']}\n{hashlib.sha256(body).hexdigest()}"
        )
        expected = hmac.new(ACCESS_KEY_SECRET.encode(), covered.encode(), "sha256").hexdigest()
        assert said["x-sms-signature"] == expected

    @pytest.mark.parametrize(
        "body",
        [
            b'{"status":"accepted"}', b'{"status":"refused"}', b'{"status":"refused","code":7}',
            b'{"status":"refused","code":"accepted"}', b'{"code":"accepted"}', b'{"code":"OK"}', b"[]",
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("status", [200, 202, 500])
    def test_only_a_clear_yes_is_a_yes_and_only_a_known_no_a_no(self, body, status):
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        with odd_server([head + body]) as (url, _):
            answer = client("http", url).send(outgoing())
        taken = body == b'{"status":"accepted"}' and status == 200
        assert answer.outcome is (Outcome.ACCEPTED if taken else Outcome.UNKNOWN)


ENV = {
    "SMS_PROVIDER": "tencent",
    "SMS_PROVIDER_URL": "http://127.0.0.1:8001",
    "SMS_ACCESS_KEY_ID": "id",
    "SMS_ACCESS_KEY_SECRET": "secret",
    "SMS_SIGN_NAME": "熟客小馆",
    "SMS_SDK_APP_ID": "1400000001",
}


class TestSettings:
    @pytest.mark.parametrize("name", ["", "none", " None "])
    def test_no_provider_is_a_mode_of_its_own(self, name):
        assert provider_from_settings({**ENV, "SMS_PROVIDER": name}) is None
        assert provider_from_settings({}) is None

    def test_a_gateway_of_ones_own_may_have_a_path(self):
        env = {**ENV, "SMS_PROVIDER": "http", "SMS_PROVIDER_URL": "https://sms.example.com:8443/api/v2/"}
        provider = provider_from_settings(env)
        assert (provider.name, provider.prefix) == ("http", "/api/v2")
        assert (provider.where.secure, provider.where.host, provider.where.port) == (
            True,
            "sms.example.com",
            8443,
        )

    @pytest.mark.parametrize("name", ["aliyun", "tencent"])
    def test_a_provider_with_its_own_address(self, name):
        provider = provider_from_settings({**ENV, "SMS_PROVIDER": name, "SMS_PROVIDER_URL": ""})
        assert provider is not None
        assert provider.name == name
        assert provider.where.secure
        assert (provider.where.connect_s, provider.where.read_s) == (3.0, 5.0)

    @pytest.mark.parametrize(
        "change",
        [
            {"SMS_PROVIDER": "twilio"},
            {"SMS_ACCESS_KEY_SECRET": ""},
            {"SMS_SIGN_NAME": ""},
            {"SMS_SDK_APP_ID": ""},
            {"SMS_PROVIDER_URL": "dysmsapi.aliyuncs.com"},
            {"SMS_PROVIDER_URL": "http://sms.example.com"},
            {"SMS_PROVIDER_URL": "https://sms.example.com/v1"},
            {"SMS_PROVIDER": "http", "SMS_PROVIDER_URL": ""},
            {"SMS_PROVIDER": "http", "SMS_PROVIDER_URL": "http://sms.example.com/v1"},
            {"SMS_PROVIDER": "http", "SMS_PROVIDER_URL": "https://sms.example.com/v1?key=1"},
        ],
    )
    def test_nonsense_is_refused(self, change):
        with pytest.raises(ValueError):
            provider_from_settings({**ENV, **change})

    def test_a_naive_signing_time_is_a_mistake_of_the_caller(self):
        for name in EACH:
            with pytest.raises(ValueError, match="aware"):
                client(name, "http://127.0.0.1:9").send(outgoing(at=datetime(2026, 6, 20)))


def until(condition, seconds: float = 5.0) -> None:
    """Wait for what happens in another thread."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)
