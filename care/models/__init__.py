"""What we do about it: the plan per tier, tasks for people, messages for guests, what came of each."""

from care.events.models import Event, Invitation
from care.models.answers import Anniversary, ListRead, Served, TableAnswer, TradeNews
from care.models.calendar import FestivalChange, OwnFestival
from care.models.campaign import Campaign, CampaignGuest
from care.models.message import Attempt, GuestReply, Inbox, Message, TextRules
from care.models.outcome import Baseline, Outcome, OutcomeDays
from care.models.plan import CareRules, Channel, Plan, PlanLine, Trigger
from care.models.task import Task, TaskEvent

__all__ = [
    "Anniversary",
    "Attempt",
    "Baseline",
    "Campaign",
    "CampaignGuest",
    "CareRules",
    "Channel",
    "Event",
    "FestivalChange",
    "GuestReply",
    "Inbox",
    "Invitation",
    "ListRead",
    "Message",
    "Outcome",
    "OutcomeDays",
    "OwnFestival",
    "Plan",
    "PlanLine",
    "Served",
    "TableAnswer",
    "Task",
    "TaskEvent",
    "TextRules",
    "TradeNews",
    "Trigger",
]
