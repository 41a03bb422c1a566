"""Addresses of the database and the broker: one form in the environment, the others derived. Pure."""

from urllib.parse import unquote, urlsplit

_CONNECTION = {
    "dbname": "NAME",
    "user": "USER",
    "password": "PASSWORD",
    "host": "HOST",
    "port": "PORT",
}
_OPTIONS = {
    "application_name", "channel_binding", "connect_timeout", "gssencmode", "keepalives",
    "keepalives_count", "keepalives_idle", "keepalives_interval", "options", "passfile", "require_auth",
    "service", "sslcert", "sslcrl", "sslkey", "sslmode", "sslrootcert", "target_session_attrs",
    "tcp_user_timeout",
}  # fmt: skip


def parse_database_url(url: str) -> dict[str, object]:
    """Django's NAME, USER, PASSWORD, HOST, PORT and OPTIONS for a ``postgresql://`` address.

    The host may be a socket directory, percent-encoded in its place or given as ``?host=``; every
    other query key is an option of the connection. Raises ValueError for what is no such address;
    the message never shows the password.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ValueError(f"DATABASE_URL must begin with postgresql://, not {parts.scheme or 'nothing'}://")
    if parts.fragment:
        raise ValueError("DATABASE_URL holds a bare #: write it as %23")
    credentials, _, place = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    host, colon, port = place.rpartition(":") if not place.endswith("]") else (place, "", "")
    if not colon:
        host, port = host or port, ""
    found = {
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(user),
        "PASSWORD": unquote(password),
        "HOST": unquote(host.strip("[]")),
        "PORT": port,
    }
    options: dict[str, str] = {}
    for pair in filter(None, parts.query.split("&")):
        key, equals, value = pair.partition("=")
        if key in _CONNECTION:
            found[_CONNECTION[key]] = unquote(value)
        elif key in _OPTIONS and equals:
            options[key] = unquote(value)
        else:
            raise ValueError(f"DATABASE_URL has an option this program does not know: {key}")
    if not found["NAME"] or "/" in found["NAME"]:
        raise ValueError("DATABASE_URL must name one database: postgresql://user@host/name")
    if found["PORT"] and not (found["PORT"].isdecimal() and 0 < int(found["PORT"]) < 65536):
        raise ValueError("DATABASE_URL has a port that is not a number from 1 to 65535")
    return {**found, "OPTIONS": options}


def broker_url(redis_url: str) -> str:
    """The server of REDIS_URL as Celery spells it (its sockets are ``redis+socket://``)."""
    scheme, place, database = _redis_parts(redis_url)
    if scheme != "unix":
        return redis_url
    return f"redis+socket://{place}?virtual_host={database}"


def cache_url(redis_url: str) -> str:
    """The next database of the same server: clearing the cache must not empty the queues."""
    scheme, place, database = _redis_parts(redis_url)
    separator = "?db=" if scheme == "unix" else "/"
    return f"{scheme}://{place}{separator}{database + 1}"


def _redis_parts(url: str) -> tuple[str, str, int]:
    """Scheme, what comes before the database's number, and that number."""
    parts = urlsplit(url)
    if parts.scheme not in {"redis", "rediss", "unix"}:
        raise ValueError(
            f"REDIS_URL must begin with redis://, rediss:// or unix://, not {parts.scheme or 'nothing'}://"
        )
    if parts.scheme == "unix":
        place, number = parts.netloc + parts.path, parts.query.removeprefix("db=")
    else:
        place, number = parts.netloc, parts.path.strip("/")
    if number and not number.isdecimal():
        raise ValueError("REDIS_URL must end in a database's number: redis://host/0, unix:///path?db=0")
    return parts.scheme, place, int(number or 0)
