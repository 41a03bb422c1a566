"""Who looks after the best guests, and what managers judged of them."""

import random
from datetime import datetime, timedelta

from common.clock import business_date
from crm.demo.filling import Diary
from customers.models import Patronage
from staff.models import Person, Role
from tiering.models import Judgement

OWNED_PERCENT = 4
_REASONS = (
    ("enterprise_leader", "自家公司有二百多人，年会、客户招待都由他定"),
    ("strong_influence", "商会副会长，常带同行来"),
    ("minable_potential", "公司搬到隔壁写字楼，团餐潜力大"),
    ("good_word_of_mouth", "在小区群里常推荐我们"),
    ("talks_with_leaders", "每次来都和店长聊菜品，建议中肯"),
    ("stable_income", "附近单位在职，收入稳定"),
)


def give_owners(diary: Diary, at: datetime) -> None:
    """Give the guests who spent most and have nobody yet to the store's people, one after the other."""
    for place, store in enumerate(diary.staff.stores):
        guests = Patronage.objects.filter(store=store)
        wanted = guests.count() * OWNED_PERCENT // 100 - guests.filter(owner__isnull=False).count()
        best = guests.filter(owner=None, visits_total__gt=0).order_by("-spend_total_fen", "external_id")
        people = _caretakers(diary, place)
        for turn, patronage in enumerate(best[: max(wanted, 0)]):
            # One of seven has been forgotten: the page of today lists the unowned.
            if patronage.customer_id % 7:
                patronage.owner = people[turn % len(people)]
                patronage.save(update_fields=["owner"])


def _caretakers(diary: Diary, place: int) -> list[Person]:
    manager = diary.staff.of(place, Role.MANAGER)
    return [diary.staff.of(place, Role.HEAD), manager, *diary.staff.waiters(place), manager]


def judge_some(diary: Diary, at: datetime) -> None:
    """Some judgements by the managers, with reasons, for the lines of a scheme that only people can tick."""
    dice = random.Random("judgements")
    for place, store in enumerate(diary.staff.stores):
        best = Patronage.objects.filter(store=store).order_by("-spend_total_fen", "external_id")[:60]
        for turn, patronage in enumerate(dice.sample(list(best), min(len(best), 12))):
            code, reason = _REASONS[turn % len(_REASONS)]
            moment = at - timedelta(days=dice.randrange(5, 120))
            Judgement.objects.create(
                store=store, customer_id=patronage.customer_id, code=code, reason=reason,
                valid_from=business_date(moment, store.timezone, store.day_ends_at), recorded_at=moment,
                recorded_by=diary.staff.of(place, Role.MANAGER),
            )  # fmt: skip
