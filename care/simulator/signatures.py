"""The providers' signature checks, from their documentation and not from our clients.

ACS3-HMAC-SHA256 (Aliyun), TC3-HMAC-SHA256 (Tencent Cloud) and the plain dialect's HMAC-SHA256. A
refusal carries the provider's own code, message and HTTP status.
"""

import hashlib
import hmac
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote

# Aliyun remembers a nonce this long: as long as a request carrying it could still be in its window.
NONCE_MEMORY = timedelta(minutes=31)


class Refusal(Exception):
    """The request is not taken: `code` and `message` as the provider words them."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True)
class Request:
    """An HTTP request as received: header names in lower case, `query` undecoded."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Nonces:
    """The nonces seen lately. `use` is atomic: of two equal requests at once, one is refused."""

    _seen: dict[str, datetime] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def use(self, nonce: str, now: datetime) -> bool:
        """Take a nonce; False if it was taken within the last 31 minutes."""
        with self._lock:
            # Oldest first, so forgetting stops at the first one that is still remembered.
            while self._seen:
                oldest = next(iter(self._seen))
                if now - self._seen[oldest] <= NONCE_MEMORY:
                    break
                del self._seen[oldest]
            if nonce in self._seen:
                return False
            self._seen[nonce] = now
            return True


@dataclass(frozen=True)
class Keys:
    """The account the simulator knows, and how old a signature may be."""

    access_key_id: str
    access_key_secret: str
    aliyun_window: timedelta = timedelta(seconds=900)
    tencent_window: timedelta = timedelta(seconds=300)
    plain_window: timedelta = timedelta(seconds=300)


def check_aliyun(request: Request, keys: Keys, nonces: Nonces, now: datetime) -> datetime:
    """Check an ACS3 request and use up its nonce. Returns when it was signed; raises Refusal."""
    match = re.fullmatch(
        r"ACS3-HMAC-SHA256 Credential=([^,]*),SignedHeaders=([^,]*),Signature=([0-9a-f]{64})",
        request.headers.get("authorization", ""),
    )
    if not match:
        raise Refusal("IncompleteSignature", "The request signature does not conform to standards.")
    key_id, names, signature = match.groups()
    signed = names.split(";")
    # Everything of ours that steers the call must be under the signature.
    steering = {name for name in request.headers if name.startswith("x-acs-")} | {"host"}
    if signed != sorted(set(signed)) or not steering <= set(signed):
        raise Refusal("IncompleteSignature", "A header that must be signed is not.")
    for needed in ("x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"):
        if needed not in request.headers:
            raise Refusal("MissingParameter", f"{needed} is mandatory for this action.")
    if key_id != keys.access_key_id:
        raise Refusal("InvalidAccessKeyId.NotFound", "Specified access key is not found.", 404)
    payload = hashlib.sha256(request.body).hexdigest()
    pairs = parse_qsl(request.query, keep_blank_values=True, strict_parsing=bool(request.query))
    canonical_query = "&".join(
        f"{name}={value}"
        for name, value in sorted((quote(n, safe="-_.~"), quote(v, safe="-_.~")) for n, v in pairs)
    )
    canonical = "\n".join(
        [
            request.method,
            quote(request.path, safe="/-_.~"),
            canonical_query,
            "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in signed),
            ";".join(signed),
            payload,
        ]
    )
    if request.headers["x-acs-content-sha256"] != payload or not _same(
        _hmac(keys.access_key_secret.encode(), f"ACS3-HMAC-SHA256\n{_sha256(canonical)}").hex(),
        signature,
    ):
        raise Refusal("SignatureDoesNotMatch", "Specified signature is not matched with our calculation.")
    signed_at = _aliyun_time(request.headers["x-acs-date"])
    if abs(now - signed_at) > keys.aliyun_window:
        raise Refusal("InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
    if not nonces.use(request.headers["x-acs-signature-nonce"], now):
        raise Refusal("SignatureNonceUsed", "Specified signature nonce was used already.")
    return signed_at


def check_tencent(request: Request, keys: Keys, now: datetime) -> datetime:
    """Check a TC3 request. Returns when it was signed; raises Refusal."""
    match = re.fullmatch(
        r"TC3-HMAC-SHA256 Credential=([^/]*)/(\d{4}-\d\d-\d\d)/(\w+)/tc3_request, ?"
        r"SignedHeaders=([^,]*), ?Signature=([0-9a-f]{64})",
        request.headers.get("authorization", ""),
    )
    if not match:
        raise Refusal("AuthFailure.InvalidAuthorization", "Authorization is not well formed.", 200)
    key_id, day, service, names, signature = match.groups()
    signed = names.split(";")
    stamp = request.headers.get("x-tc-timestamp", "")
    if not stamp.isdecimal() or len(stamp) > 11:
        raise Refusal("MissingParameter", "X-TC-Timestamp is missing.", 200)
    if signed != sorted(set(signed)) or not {"content-type", "host"} <= set(signed):
        raise Refusal("AuthFailure.InvalidAuthorization", "content-type and host are to sign.", 200)
    if key_id != keys.access_key_id:
        raise Refusal("AuthFailure.SecretIdNotFound", "The SecretId is not found.", 200)
    signed_at = datetime.fromtimestamp(int(stamp), UTC)
    if abs(now - signed_at) > keys.tencent_window:
        raise Refusal("AuthFailure.SignatureExpire", "The signature has expired.", 200)
    canonical = "\n".join(
        [
            request.method,
            request.path,
            request.query,
            "".join(f"{name}:{request.headers.get(name, '').strip().lower()}\n" for name in signed),
            ";".join(signed),
            hashlib.sha256(request.body).hexdigest(),
        ]
    )
    scope = f"{day}/{service}/tc3_request"
    key = f"TC3{keys.access_key_secret}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    expected = _hmac(key, f"TC3-HMAC-SHA256\n{stamp}\n{scope}\n{_sha256(canonical)}").hex()
    if day != signed_at.strftime("%Y-%m-%d") or service != "sms" or not _same(expected, signature):
        raise Refusal("AuthFailure.SignatureFailure", "The signature does not match.", 200)
    return signed_at


def check_plain(request: Request, keys: Keys, nonces: Nonces, now: datetime) -> datetime:
    """Check a request of the plain dialect and use up its nonce. Returns when it was signed; raises Refusal."""
    stamp, nonce = request.headers.get("x-sms-timestamp", ""), request.headers.get("x-sms-nonce", "")
    if not stamp.isdecimal() or len(stamp) > 11 or not nonce:
        raise Refusal("bad_signature", "timestamp and nonce are needed", 401)
    if request.headers.get("x-sms-key") != keys.access_key_id:
        raise Refusal("bad_key", "no such key", 401)
    body = hashlib.sha256(request.body).hexdigest()
    lines = "\n".join([request.method, request.path, stamp, nonce, body])
    expected = _hmac(keys.access_key_secret.encode(), lines).hex()
    if not _same(expected, request.headers.get("x-sms-signature", "")):
        raise Refusal("bad_signature", "the signature does not match", 401)
    signed_at = datetime.fromtimestamp(int(stamp), UTC)
    if abs(now - signed_at) > keys.plain_window:
        raise Refusal("stale_timestamp", "signed too long ago", 401)
    if not nonces.use(nonce, now):
        raise Refusal("nonce_used", "this nonce was used already", 409)
    return signed_at


def _aliyun_time(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise Refusal("InvalidTimeStamp.Format", "Specified time stamp is not well formatted.") from None


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left, right)
