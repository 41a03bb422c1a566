"""What lies ahead of a guest, in sentences: what it takes to rise and until when, what protects her from falling."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from common.money import show_yuan
from common.templatetags.shuke import day
from tiering.forecast import Change, Rise
from tiering.rules import Known, Scheme
from tiering.selectors.decisions import Standing
from tiering.sentences import language


def change_words(change: Change) -> str:
    """What she would have to do: `再来 2 次，再消费 ¥820`."""
    said = []
    if change.weeks:
        said.append(_("再来 1 次，把连续到店的周数接上"))
    elif change.visits > 1 or (change.visits and not change.amount):
        said.append(ngettext("再来 %(n)s 次", "再来 %(n)s 次", change.visits) % {"n": change.visits})
    if change.fen:
        said.append(_("再消费 %(yuan)s") % {"yuan": show_yuan(change.fen)})
    if change.bill > change.fen:
        said.append(_("有一次账单满 %(yuan)s") % {"yuan": show_yuan(change.bill)})
    if change.guests:
        said.append(
            ngettext("带来 %(n)s 位新客人", "带来 %(n)s 位新客人", change.guests) % {"n": change.guests}
        )
    if change.suggestions:
        said.append(
            ngettext("提 %(n)s 条被采纳的建议", "提 %(n)s 条被采纳的建议", change.suggestions)
            % {"n": change.suggestions}
        )
    if change.events:
        said.append(ngettext("参加 %(n)s 次活动", "参加 %(n)s 次活动", change.events) % {"n": change.events})
    return ("，" if language() == "zh" else ", ").join(said)


def rise_words(rise: Rise, today: date) -> str:
    """When and what: `11月30日 周一前再消费 ¥820`."""
    what = change_words(rise.change)
    if rise.by == today:
        return _("今天%(what)s") % {"what": what}
    if rise.change.weeks and rise.on > today:
        return _("%(day)s那一周%(what)s") % {"day": day(rise.on), "what": what}
    return _("%(day)s前%(what)s") % {"day": day(rise.by), "what": what}


@dataclass(frozen=True)
class Shield:
    """Why a guest keeps a tier that the rules no longer give: `stay` or `grace`, and the first night that may fall."""

    kind: str
    until: date
    ruled: str


def shield_of(standing: Standing, ruled: str) -> Shield | None:
    """The protection that keeps the tier today; None where the rules give it anyway."""
    if not standing.kept or standing.known.prior is None:
        return None
    return Shield(standing.kept, kept_until(standing.scheme, standing.known, standing.kept), ruled)


def kept_until(scheme: Scheme, known: Known, kept: str) -> date:
    """The first night on which what keeps the guest (`stay`, `grace`) does so no more."""
    prior = known.prior
    assert prior is not None, "only a tier of before is kept"
    if kept == "stay":
        return prior.since + timedelta(days=scheme.min_stay_days)
    return (prior.fading_since or prior.on) + timedelta(days=scheme.grace_days)
