"""What we do about it: the plan per tier, tasks for people, messages for guests, what came of each."""

from care.events.models import Event, Invitation
from care.models.answers import Anniversary, ListRead, Served, TableAnswer, TradeNews
from care.models.calendar import FestivalChange, OwnFestival
from care.models.campaign import Campaign, CampaignGuest
from care.models.message import Attempt, GuestReply, Inbox, Message, TextRules
from care.models.outcome import Baseline, Outcome, OutcomeDays
from care.models.plan import CareRules, Channel, Plan, PlanLine, Trigger
from care.models.task import Task, TaskEvent
from care.relations.models import (
    AccountNote,
    Agreement,
    AskedAgain,
    CallAnswer,
    Piece,
    RelationRules,
    StepTarget,
    Topic,
)

__all__ = [
    "AccountNote",
    "Agreement",
    "Anniversary",
    "AskedAgain",
    "Attempt",
    "Baseline",
    "CallAnswer",
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
    "Piece",
    "Plan",
    "PlanLine",
    "RelationRules",
    "Served",
    "StepTarget",
    "TableAnswer",
    "Task",
    "TaskEvent",
    "TextRules",
    "Topic",
    "TradeNews",
    "Trigger",
]
