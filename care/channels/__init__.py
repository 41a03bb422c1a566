"""The ways a text leaves the house, one module per provider behind one interface."""

from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

from care.channels import aliyun, tencent
from care.channels.aliyun import AliyunProvider
from care.channels.base import Provider
from care.channels.http import HttpProvider
from care.channels.tencent import TencentProvider
from care.channels.wire import endpoint

# By the name used in the callback addresses, for reading what a provider pushes.
PROVIDERS: dict[str, type[AliyunProvider] | type[TencentProvider] | type[HttpProvider]] = {
    "aliyun": AliyunProvider,
    "tencent": TencentProvider,
    "http": HttpProvider,
}


def provider_from_settings(env: Mapping[str, str]) -> Provider | None:
    """Build the provider named by SMS_PROVIDER (aliyun, tencent, http, none); None means that no texts
    are sent.

    Reads SMS_PROVIDER_URL (empty: the provider's own address; http has none and may have a path),
    SMS_ACCESS_KEY_ID, SMS_ACCESS_KEY_SECRET, SMS_SIGN_NAME, and for Tencent SMS_SDK_APP_ID and
    SMS_REGION. Raises ValueError on a name it does not know, a missing value or an address that is none.
    """
    name = env.get("SMS_PROVIDER", "").strip().lower()
    if name in {"", "none"}:
        return None
    if name not in PROVIDERS:
        raise ValueError(f"SMS_PROVIDER must be aliyun, tencent, http or none, not {name!r}")
    needed = ["SMS_ACCESS_KEY_ID", "SMS_ACCESS_KEY_SECRET", "SMS_SIGN_NAME"]
    if name == "tencent":
        needed.append("SMS_SDK_APP_ID")
    if name == "http":
        needed.append("SMS_PROVIDER_URL")
    if missing := [key for key in needed if not env.get(key)]:
        raise ValueError(f"SMS_PROVIDER is {name}, so these must be set: {', '.join(missing)}")
    url = env.get("SMS_PROVIDER_URL", "")
    if name == "aliyun":
        return AliyunProvider(
            endpoint(url or aliyun.DEFAULT_URL),
            env["SMS_ACCESS_KEY_ID"],
            env["SMS_ACCESS_KEY_SECRET"],
            sign_name=env["SMS_SIGN_NAME"],
        )
    if name == "http":
        parts = urlsplit(url)
        return HttpProvider(
            endpoint(urlunsplit(parts._replace(path=""))),
            env["SMS_ACCESS_KEY_ID"],
            env["SMS_ACCESS_KEY_SECRET"],
            sign_name=env["SMS_SIGN_NAME"],
            prefix=parts.path.rstrip("/"),
        )
    return TencentProvider(
        endpoint(url or tencent.DEFAULT_URL),
        env["SMS_ACCESS_KEY_ID"],
        env["SMS_ACCESS_KEY_SECRET"],
        env["SMS_SDK_APP_ID"],
        sign_name=env["SMS_SIGN_NAME"],
        region=env.get("SMS_REGION") or "ap-guangzhou",
    )
