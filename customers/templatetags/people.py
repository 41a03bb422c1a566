"""How pages name the parts of an import."""

from typing import Any

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from common.messages import sentence
from ops.models import Job

register = template.Library()

KINDS: dict[str, str | Promise] = {"import_customers": _("客户"), "import_visits": _("消费记录")}
COUNTS: dict[str, str | Promise] = {
    "created": _("新增"),
    "linked": _("接到本店"),
    "updated": _("更新"),
    "unchanged": _("没有变化"),
    "corrected": _("更正"),
    "skipped": _("跳过"),
    "repeated": _("文件内重复"),
    "refused": _("有错"),
}


@register.filter
def job_kind(job: Job) -> str:
    """What a file holds."""
    return str(KINDS.get(job.kind, job.kind))


@register.filter
def job_counts(result: dict[str, Any]) -> list[tuple[str, int]]:
    """What became of the rows, the zeros left out."""
    return [(str(words), result[name]) for name, words in COUNTS.items() if result.get(name)]


@register.filter
def error_words(error: dict[str, Any]) -> str:
    """A row's fault in the reader's language, whatever language the file was read in."""
    words = sentence(error.get("code", ""), error.get("params") or {})
    return words if words != error.get("code") else error.get("message", words)
