"""Words ready to be sent by hand: news of the guest's trade for the weekend, a welcome, a wish for an anniversary."""

from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from care.models import TradeNews
from care.playbook import WEEKEND
from common.errors import NotHere, Refused
from staff.models import Person, Store

# `${name}` is how the guest is addressed, filled in where it is shown.
WEEKEND_WORDS = "${name}，周末愉快！祝您和家人一切安好，有空来坐坐。"
WELCOME_WORDS = "${name}，很高兴认识您，感谢光临。有什么需要，随时联系我们。"
ANNIVERSARY_WORDS = "${name}，祝您${what}快乐，事事顺心！"
WORDS_AT_LEAST, INDUSTRY_AT_MOST = 4, 60

_PUT = """
UPDATE care_task t SET words = f.words FROM (
    SELECT t.id, CASE l.trigger
        WHEN 'new_guest' THEN %(welcome)s
        WHEN 'anniversary' THEN replace(%(anniversary)s, '${what}', split_part(t.zh, '：', 1))
        ELSE coalesce((SELECT n.words FROM care_tradenews n WHERE n.brand_id = %(brand)s
            AND (n.store_id IS NULL OR n.store_id = %(store)s) AND n.until >= t.due_on
            AND (n.industry = '' OR (c.industry <> '' AND position(n.industry IN c.industry) > 0))
            ORDER BY n.industry = '', n.id DESC LIMIT 1), %(weekend)s) END AS words
    FROM care_task t JOIN care_planline l ON l.id = t.line_id JOIN customers_customer c ON c.id = t.customer_id
    WHERE t.store_id = %(store)s AND t.state = 'open' AND t.due_on >= %(today)s
    AND (l.trigger IN ('new_guest', 'anniversary') OR l.trigger = 'weekly' AND l.occasions = %(weekends)s::jsonb)
) f WHERE f.id = t.id AND t.words <> f.words
"""


def put_words(*, store: Store, today: date) -> dict[str, int]:
    """Give every open greeting by hand its words: the newest news of the guest's trade that is not over, else those for
    everybody. A second run changes nothing.
    """
    params: dict[str, Any] = {
        "store": store.pk, "brand": store.brand_id, "today": today, "weekend": WEEKEND_WORDS,
        "welcome": WELCOME_WORDS, "anniversary": ANNIVERSARY_WORDS, "weekends": f'["{WEEKEND}"]',
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_PUT, params)
        return {"words": cursor.rowcount} if cursor.rowcount else {}


def news_of(store: Store) -> QuerySet[TradeNews]:
    """The news that the store may use, the newest first."""
    mine = TradeNews.objects.filter(Q(store=None) | Q(store=store), brand_id=store.brand_id)
    return mine.select_related("made_by").order_by("-pk")


def add_news(
    *, store: Store, industry: str, words: str, until: date, actor: Person | None, at: datetime, today: date
) -> TradeNews:
    """News of a trade (`industry` empty: for everybody), to be used until that day. Refuses too few words and a day past."""
    if len(words.strip()) < WORDS_AT_LEAST:
        raise Refused("news_words", field="words")
    if until < today:
        raise Refused("day_in_past", field="until")
    return TradeNews.objects.create(
        brand_id=store.brand_id, store=store, industry=industry.strip(), words=words.strip(), until=until,
        made_at=at, made_by=actor,
    )  # fmt: skip


def remove_news(*, store: Store, pk: int) -> None:
    """Take news of the store away. NotHere for another store's."""
    if not TradeNews.objects.filter(store=store, pk=pk).delete()[0]:
        raise NotHere()
