"""Who may do what: one readable file lists every URL and the roles it lets in; what is not listed is refused.

A principal is a person in the store chosen for the session, or a machine with a token of one store.
"""

import hashlib
import secrets
import time
import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext_lazy as _lazy

from common.errors import Refused
from common.messages import add_sentences
from staff.models import ApiToken, Membership, Person, Role, Store

add_sentences({"person_unknown": _lazy("本店没有“%(name)s”这位在职员工。")})

PUBLIC = "public"
SIGNED_IN = "signed_in"
MACHINE = "machine"
RANK = [Role.WAITER, Role.HOST, Role.MANAGER, Role.HEAD, Role.HQ]
TOKEN_SECONDS = 30


@dataclass(frozen=True)
class Principal:
    """Who asks: a person (or machine) acting in one store under one role."""

    store: Store
    role: str
    person: Person | None = None
    token: ApiToken | None = None

    @property
    def is_authenticated(self) -> bool:
        return True

    def is_at_least(self, role: str) -> bool:
        """Whether the role stands at or above `role` in a store's order."""
        return self.role in RANK and RANK.index(Role(self.role)) >= RANK.index(Role(role))


@lru_cache(maxsize=4)
def rules(path: Path | None = None) -> dict[str, dict[str, frozenset[str]]]:
    """The permission file: URL name → method (or `*`) → who is let in."""
    text = (path or settings.ACCESS_FILE).read_text(encoding="utf-8")
    read: dict[str, dict[str, frozenset[str]]] = {}
    for section in tomllib.loads(text).values():
        for name, value in section.items():
            methods = value if isinstance(value, dict) else {"*": value}
            read[name] = {method: frozenset(who.split()) for method, who in methods.items()}
    return read


def who_may(url_name: str | None, method: str) -> frozenset[str]:
    """The roles (or `public`, `signed_in`, `machine`) let in; empty where the file has no line."""
    methods = rules().get(url_name or "", {})
    lookup = "GET" if method in ("HEAD", "OPTIONS") else method
    return methods.get(lookup) or methods.get("*") or frozenset()


def stores_of(person: Person, at: datetime) -> list[tuple[Store, str]]:
    """The stores a person works in at a moment (on each store's business day), by code, with the highest role."""
    held: dict[int, tuple[Store, str]] = {}
    for membership in Membership.objects.filter(person=person).select_related("store", "brand"):
        stores = [membership.store] if membership.store else list(membership.brand.stores.all())
        for store in stores:
            day = store.business_day(at)
            if membership.since > day or (membership.until and membership.until < day):
                continue
            best = held.get(store.pk)
            if best is None or RANK.index(Role(membership.role)) > RANK.index(Role(best[1])):
                held[store.pk] = (store, membership.role)
    return sorted(held.values(), key=lambda pair: pair[0].code)


def principal_of(person: Person, store_code: str | None, at: datetime) -> Principal | None:
    """The person in the chosen store, else in the first; None for somebody who works nowhere now."""
    held = stores_of(person, at)
    if not held:
        return None
    store, role = next((pair for pair in held if pair[0].code == store_code), held[0])
    return Principal(store, role, person=person)


def staff_of(store: Store, on: date) -> list[tuple[Person, str]]:
    """Everybody who works in the store on a day, with role, the highest first."""
    living = Membership.objects.filter(
        Q(until=None) | Q(until__gte=on), Q(store=store) | Q(store=None, brand=store.brand), since__lte=on
    ).select_related("person")
    held: dict[int, tuple[Person, str]] = {}
    for membership in living:
        best = held.get(membership.person_id)
        if best is None or RANK.index(Role(membership.role)) > RANK.index(Role(best[1])):
            held[membership.person_id] = (membership.person, membership.role)
    return sorted(held.values(), key=lambda pair: (-RANK.index(Role(pair[1])), pair[0].username))


def active_member(store: Store, called: str, at: datetime) -> Person:
    """The person who works in the store at a moment, by username or name; Refused where nobody is called so."""
    for person, _ in staff_of(store, store.business_day(at)):
        if called in (person.username, person.name):
            return person
    raise Refused("person_unknown", field="owner", name=called)


# ---- machines ------------------------------------------------------------------------------------------------

_seen: dict[str, tuple[float, Principal | None]] = {}


def hash_key(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def issue_token(*, store: Store, name: str, actor: Person | None, at: datetime) -> tuple[ApiToken, str]:
    """A new key for a machine of this store: the row, and the key itself, which is shown once."""
    key = f"shk_{secrets.token_urlsafe(32)}"
    token = ApiToken.objects.create(
        store=store, name=name[:60], key_hash=hash_key(key), hint=key[-4:], created_by=actor, created_at=at
    )
    return token, key


def revoke_token(*, token: ApiToken, at: datetime) -> None:
    """The key opens nothing any more: at once in this process, within 30 seconds in the others."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=at)
    _seen.pop(token.key_hash, None)


def machine_of(key: str) -> Principal | None:
    """The machine whose key this is. Looked up at most once in 30 seconds a process."""
    hashed = hash_key(key)
    now = time.monotonic()
    found = _seen.get(hashed)
    if found is not None and now - found[0] < TOKEN_SECONDS:
        return found[1]
    token = ApiToken.objects.filter(key_hash=hashed, revoked_at=None).select_related("store__brand").first()
    principal = Principal(token.store, MACHINE, token=token) if token else None
    if len(_seen) > 1000:
        _seen.clear()
    _seen[hashed] = (now, principal)
    return principal
