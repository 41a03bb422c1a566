"""Addresses: what a person may write in DATABASE_URL and REDIS_URL, and what becomes of it."""

import pytest

from crm.embedded.urls import broker_url, cache_url, parse_database_url

ADDRESSES = {
    "everything": (
        "postgresql://ann:s%40cret@db.example:5433/shop?sslmode=require&connect_timeout=3",
        ("shop", "ann", "s@cret", "db.example", "5433", {"sslmode": "require", "connect_timeout": "3"}),
    ),
    "the short scheme": ("postgres://ann@db/shop", ("shop", "ann", "", "db", "", {})),
    "a socket folder as a key": (
        "postgresql://shuke@/shuke?host=%2Fhome%2F%E5%BC%A0+a%20b%2Fsockets&port=5432",
        ("shuke", "shuke", "", "/home/张+a b/sockets", "5432", {}),
    ),
    "a socket folder in its place": (
        "postgresql://%2Fvar%2Frun%2FPG/shop",
        ("shop", "", "", "/var/run/PG", "", {}),
    ),
    "an IPv6 host with a port": ("postgresql://[::1]:5433/shop", ("shop", "", "", "::1", "5433", {})),
    "an IPv6 host without": ("postgresql://ann@[::1]/shop", ("shop", "ann", "", "::1", "", {})),
    "an @ in the password": ("postgresql://ann:a@b@db/shop", ("shop", "ann", "a@b", "db", "", {})),
    "a Chinese name": ("postgresql://db/%E7%86%9F%E5%AE%A2", ("熟客", "", "", "db", "", {})),
}
NONSENSE = {
    "nothing": "",
    "another database": "mysql://ann:hidden@db/shop",
    "a bare name": "shop",
    "no database": "postgresql://ann:hidden@db",
    "two databases": "postgresql://ann:hidden@db/shop/other",
    "a port of letters": "postgresql://ann:hidden@db:http/shop",
    "a port too large": "postgresql://ann:hidden@db:65536/shop",
    "port zero": "postgresql://ann:hidden@db:0/shop",
    "an unknown option": "postgresql://ann:hidden@db/shop?sslmod=require",
    "an option without a value": "postgresql://ann:hidden@db/shop?sslmode",
    "a bare slash in the password": "postgresql://ann:hid/den@db/shop",
    "a bare # in the password": "postgresql://ann:hid#den@db/shop",
}


@pytest.mark.parametrize(("url", "expected"), ADDRESSES.values(), ids=ADDRESSES)
def test_an_address_is_taken_apart(url, expected):
    found = parse_database_url(url)
    assert tuple(found[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")) == expected


@pytest.mark.parametrize("url", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_refused_without_showing_the_password(url):
    with pytest.raises(ValueError, match="DATABASE_URL") as refusal:
        parse_database_url(url)
    assert "hid" not in str(refusal.value)


@pytest.mark.parametrize(
    ("url", "broker", "cache"),
    [
        ("redis://h:6379/3", "redis://h:6379/3", "redis://h:6379/4"),
        ("redis://:pw@h", "redis://:pw@h", "redis://:pw@h/1"),
        ("rediss://h:1/0", "rediss://h:1/0", "rediss://h:1/1"),
        (
            "unix:///a%20b/v.sock?db=0",
            "redis+socket:///a%20b/v.sock?virtual_host=0",
            "unix:///a%20b/v.sock?db=1",
        ),
        ("unix:///v.sock", "redis+socket:///v.sock?virtual_host=0", "unix:///v.sock?db=1"),
    ],
)
def test_the_broker_and_the_cache_share_a_server_but_not_a_database(url, broker, cache):
    assert broker_url(url) == broker
    assert cache_url(url) == cache


@pytest.mark.parametrize("url", ["", "amqp://h", "h:6379", "redis://h/one", "unix:///v.sock?database=1"])
def test_an_address_that_is_no_redis_is_refused(url):
    with pytest.raises(ValueError, match="REDIS_URL"):
        broker_url(url)
