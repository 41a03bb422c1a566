"""Who of a campaign's group is told, who is held out, who may not be told: one statement, asked before and when it is
planned. Nothing else puts a campaign's texts into the outbox or its calls on the board.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from care.models import Campaign, CampaignGuest, Message
from care.parts import ALONE, EACH, characters, whole_text
from care.services.gate import COMPLAINT_OPEN, GATE, LENGTH, MOURNING, NO_YES, NOBODY, OWN, SAID_NO, TOLD
from care.services.house_rules import care_rules_of
from care.services.occasions import has_provider
from care.services.opening import BY_INDEX, OWNER
from care.services.rules import rules_of
from care.texts import MEMBER, SAFE_NAME, TEXTS
from care.windows import CAP_DAYS, Hours
from common.clock import moment_of
from staff.models import Store
from tiering.selectors.segments import hits_of

# So many names are shown for each reason.
SHOWN = 50
CATEGORY = "campaign"
CONTACTS = ("phone", "visit", "wechat")

# The lot of `care.campaigns.lot`. Below: the number has its texts of 30 days, and none of them leaves before the window
# ends; by hand: the guest has the contacts of that week.
_HELD_OUT = """('x' || substr(encode(sha256(convert_to(%(campaign)s || ':' || customer_id, 'UTF8')), 'hex'), 1, 8)
    )::bit(32)::bigint %% 100 < %(held_out)s"""
_FULL = """(SELECT count(*) FROM care_message h WHERE h.brand_id = %(brand)s AND h.phone_key = judged.number_index
    AND h.state = ANY(%(handed)s) AND h.claimed_at >= %(counts_from)s OFFSET 0) >= %(a_month)s"""
FULL_WEEK = """(SELECT count(*) FROM care_task k WHERE k.customer_id = judged.customer_id
    AND k.store_id = %(store)s AND k.state IN ('open', 'done') AND k.channel = ANY(%(contacts)s)
    AND date_trunc('week', k.due_on) = date_trunc('week', %(send_on)s::date) OFFSET 0) >= %(most)s"""

_SIEVE = (
    GATE
    + """, weighed AS MATERIALIZED (
    SELECT judged.*, CASE WHEN reason <> '' THEN reason WHEN {full} THEN %(full)s ELSE '' END AS why,
        CASE WHEN {length} <= %(alone)s THEN 1 ELSE ceil({length} / %(each)s::numeric) END AS billed
    FROM judged
), split AS MATERIALIZED (
    SELECT weighed.*, CASE WHEN why <> '' THEN 'blocked' WHEN {held_out} THEN 'held_out' ELSE 'told' END AS arm
    FROM weighed
)"""
)
_TEXTS = """, texts AS (
    INSERT INTO care_message (id, brand_id, store_id, customer_id, category, occasion, phone_key, number, last_four,
        template, variables, parts, state, reason, planned_on, not_before, next_at, expires_at, created_at, final_at)
    SELECT gen_random_uuid(), %(brand)s, %(store)s, customer_id, %(category)s, occasion,
        CASE WHEN arm = 'told' THEN number_index END, CASE WHEN arm = 'told' THEN number END,
        CASE WHEN against = '' THEN last_four ELSE '' END, %(template)s,
        jsonb_build_object('name', called, 'what', %(what)s::text, 'detail', %(detail)s::text), billed,
        CASE WHEN arm = 'told' THEN 'pending' WHEN why = 'window_passed' THEN 'expired' ELSE 'skipped' END,
        CASE arm WHEN 'held_out' THEN 'held_out' ELSE why END, %(send_on)s, %(opens)s, %(opens)s, %(closes)s, %(at)s,
        CASE WHEN arm <> 'told' THEN %(at)s END
    FROM split ON CONFLICT DO NOTHING
)"""
_CALLS = """, calls AS (
    INSERT INTO care_task (store_id, customer_id, code, occasion, channel, zh, en, words, tier, role, assignee_id, due_on,
        close_on, opened_on, opened_at, state, reason)
    SELECT %(store)s, s.customer_id, %(category)s, s.occasion, %(channel)s, %(zh)s, %(en)s,
        replace(%(words)s, '${{name}}', s.called), p.tier, 'manager', {owner},
        greatest(%(send_on)s, %(today)s), greatest(%(last_on)s, %(today)s), %(today)s, %(at)s, 'open', ''
    FROM split s JOIN customers_patronage p ON p.store_id = %(store)s AND p.customer_id = s.customer_id
    WHERE s.arm = 'told' ON CONFLICT DO NOTHING
)"""
_LISTED = """, listed AS (
    INSERT INTO care_campaignguest (campaign_id, customer_id, arm, reason)
    SELECT %(campaign)s, customer_id, arm, why FROM split ON CONFLICT DO NOTHING
)"""
_COUNT = """
SELECT arm, why, count(*), coalesce(sum(billed), 0), max(billed),
    (array_agg(customer_id ORDER BY customer_id))[1:%(shown)s]
FROM split GROUP BY arm, why
"""
_BY_HAND = {
    "wechat": ("发微信告知：{what}（文字已备好）", "Tell by WeChat: {what} (the words are ready)"),
    "phone": ("打电话告知：{what}（文字已备好）", "Call and tell: {what} (the words are ready)"),
}


@dataclass(frozen=True)
class Group:
    """The guests of one arm, and of one reason where they are blocked; at most 50 of their ids."""

    arm: str
    reason: str
    guests: int
    ids: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Sieved:
    """What becomes of a campaign's group. `parts` of all texts, `longest` of one; nought where it goes by hand."""

    groups: list[Group]
    parts: int = 0
    longest: int = 0

    def of(self, arm: str) -> int:
        """How many guests an arm has."""
        return sum(group.guests for group in self.groups if group.arm == arm)

    @property
    def guests(self) -> int:
        """How many guests the group has."""
        return sum(group.guests for group in self.groups)

    @property
    def told(self) -> int:
        return self.of(CampaignGuest.Arm.TOLD)

    @property
    def held_out(self) -> int:
        return self.of(CampaignGuest.Arm.HELD_OUT)

    @property
    def blocked(self) -> list[Group]:
        """Those who may not be told, the commonest reason first."""
        found = [group for group in self.groups if group.arm == CampaignGuest.Arm.BLOCKED]
        return sorted(found, key=lambda group: (-group.guests, group.reason))


def goes_by_text(campaign: Campaign) -> bool:
    """Whether texts go out; without a provider people write the same words by WeChat."""
    return campaign.channel == Campaign.Way.SMS and has_provider()


def template_of(campaign: Campaign) -> str:
    """The name of the approved text of the campaign's kind."""
    return f"campaign_{campaign.kind}"


def window_of(campaign: Campaign, store: Store) -> tuple[datetime, datetime]:
    """The first moment at which its texts may leave, and the first at which they may no longer."""
    hours = Hours(store.messages_from, store.messages_until, store.timezone)
    return hours.on(campaign.send_on)[0], hours.on(last_day(campaign))[1]


def last_day(campaign: Campaign) -> date:
    """The last day on which it is told."""
    return campaign.send_on + timedelta(days=campaign.window_days)


def sieve(campaign: Campaign, store: Store, *, on: date) -> Sieved:
    """Who would be told, held out and blocked, were it planned now; the segment is asked as of business date `on`.
    Writes nothing.
    """
    return _run(campaign, store, on, None, "")


def write_plan(campaign: Campaign, store: Store, *, on: date, at: datetime, day: date) -> Sieved:
    """Write the texts (or the calls) and the list of guests. `day`: the local day on which tasks may be due at the
    earliest. The caller holds the campaign's row; twice is the same as once, by the unique keys.
    """
    by_text = goes_by_text(campaign)
    owner = OWNER.replace("%(day)s", "greatest(%(send_on)s, %(today)s)") if not by_text else ""
    tail = (_TEXTS if by_text else _CALLS.format(owner=owner)) + _LISTED
    return _run(campaign, store, on, (at, day), tail)


def _run(campaign: Campaign, store: Store, on: date, when: tuple[datetime, date] | None, tail: str) -> Sieved:
    by_text = goes_by_text(campaign)
    before, asked, who = _group(campaign, store, on)
    params = _params(campaign, store, when)
    if clash := set(params) & set(asked) - {"store"}:
        raise ValueError(f"the segment asks under the same names: {sorted(clash)}")
    rules = care_rules_of(store)
    is_capped = not by_text and rules.contacts_a_week is not None
    params |= asked | {"most": rules.contacts_a_week, "full": "cap_month" if by_text else "cap_week"}
    sql = _SIEVE.format(
        before=before,
        own=OWN,
        told=TOLD,
        open=COMPLAINT_OPEN,
        refuses=NO_YES if campaign.channel == Campaign.Way.SMS else SAID_NO,
        wished=NOBODY,
        occasions="CROSS JOIN (VALUES (%(occasion)s, '')) o(occasion, festival)",
        tier=who,
        length=LENGTH,
        full=_FULL if by_text else FULL_WEEK if is_capped else "false",
        held_out=_HELD_OUT,
    )
    with connection.cursor() as cursor:
        cursor.execute(BY_INDEX, ["off"])
        cursor.execute(sql + tail + _COUNT, params)
        rows = cursor.fetchall()
        cursor.execute(BY_INDEX, ["on"])
    return _sieved(rows, by_text)


def _sieved(rows: Sequence[Sequence[Any]], by_text: bool) -> Sieved:
    groups = [Group(arm, why, number, ids) for arm, why, number, _parts, _longest, ids in rows]
    told = [row for row in rows if row[0] == CampaignGuest.Arm.TOLD and by_text]
    return Sieved(groups, int(sum(row[3] for row in told)), int(max((row[4] for row in told), default=0)))


def _group(campaign: Campaign, store: Store, on: date) -> tuple[str, dict[str, Any], str]:
    """How the statement begins, what the segment asks, and the condition of being in the group."""
    found = []
    before = "WITH"
    asked: dict[str, Any] = {}
    if campaign.segment is not None:
        hits, asked = hits_of(campaign.segment, store, on)
        before = f"{hits}, "
        found.append("p.customer_id IN (SELECT h.customer_id FROM hits h)")
    if campaign.tiers:
        found.append("p.tier = ANY(%(tiers)s)")
    return before, asked, " AND ".join(found) or "false"


def _params(campaign: Campaign, store: Store, when: tuple[datetime, date] | None) -> dict[str, Any]:
    opens, closes = window_of(campaign, store)
    template, sign = template_of(campaign), settings.SMS.get("SMS_SIGN_NAME", "")
    told = {"what": campaign.what, "detail": campaign.detail}
    at, day = when if when is not None else (None, campaign.send_on)
    rules = rules_of(store.brand_id)
    last = last_day(campaign)
    channel = "phone" if campaign.channel == Campaign.Way.PHONE else "wechat"
    words = TEXTS[template].words.replace("${what}", campaign.what).replace("${detail}", campaign.detail)
    zh, en = _BY_HAND[channel]
    full_from = moment_of(last - timedelta(days=CAP_DAYS - 1), time(), store.timezone)
    return {
        "store": store.pk, "brand": store.brand_id, "campaign": campaign.pk, "category": CATEGORY,
        "occasion": campaign.occasion, "template": template, **told, "tiers": list(campaign.tiers),
        "solemn": False, "silent": False, "late": at is not None and at >= closes, "safe": f"^{SAFE_NAME}$",
        "member": MEMBER, "mourning": list(MOURNING), "fixed": characters(whole_text(sign, template, told)),
        "names": TEXTS[template].words.count("${name}"), "festivals": 0, "alone": ALONE, "each": EACH,
        "held_out": campaign.held_out, "handed": list(Message.HANDED), "a_month": rules.a_month,
        "counts_from": full_from, "contacts": list(CONTACTS), "send_on": campaign.send_on, "last_on": last,
        "opens": opens, "closes": closes, "at": at, "today": day, "shown": SHOWN, "channel": channel,
        "zh": zh.format(what=campaign.what), "en": en.format(what=campaign.what), "words": words,
    }  # fmt: skip
