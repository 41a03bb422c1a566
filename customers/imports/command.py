"""What the two import commands share: arguments, the summary for people, the object for programs."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from common.clock import now
from common.errors import Refused
from common.messages import sentence
from customers.imports.report import ImportReport, refusal_as_dict
from staff.commands import ShukeCommand, add_store, store_of


class ImportCommand(ShukeCommand):
    """`bring_in` is the service that takes the file; everything else is the same for guests and bills."""

    bring_in: Callable[..., ImportReport]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="CSV or XLSX")
        add_store(parser)
        parser.add_argument("--dry-run", action="store_true", help="check everything, write nothing")
        parser.add_argument(
            "--accept-good-rows", action="store_true", help="take the good rows; the others go to a file"
        )
        parser.add_argument(
            "--rest", metavar="FILE", help="that file (default: beside FILE, as NAME.rest.csv)"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(options["file"])
        try:
            report = self._report(path, options)
        except (Refused, CommandError) as refusal:
            if options["json"]:
                refused = refusal if isinstance(refusal, Refused) else _OfCommand(str(refusal))
                self.print_json(refusal_as_dict(path.name, options["store"], options["dry_run"], refused))
            raise
        rest = self._write_rest(report, path, options)
        if options["json"]:
            self.print_json({**report.as_dict(), "rest": str(rest) if rest else None})
        else:
            self._print(report, rest)
        if report.is_refused:
            bad = report.counts["refused"]
            raise CommandError(sentence("rows_refused", {"rows": report.rows, "bad": bad}))

    def _report(self, path: Path, options: dict[str, Any]) -> ImportReport:
        if options["rest"] and not options["accept_good_rows"]:
            raise CommandError(_("--rest 要和 --accept-good-rows 一起用。"))
        if options["rest"] and Path(options["rest"]).resolve() == path.resolve():
            raise CommandError(_("--rest 不能是要导入的文件本身。"))
        store = store_of(options["store"])
        if not path.is_file():
            raise Refused("file_not_found", file=str(path))
        try:
            return type(self).bring_in(
                store=store,
                source=path,
                filename=path.name,
                actor=None,
                at=now(),
                dry_run=options["dry_run"],
                accept_good_rows=options["accept_good_rows"],
            )
        except OSError as error:
            raise Refused("file_unreadable", file=str(path)) from error

    def _write_rest(self, report: ImportReport, path: Path, options: dict[str, Any]) -> Path | None:
        if report.rest is None or report.dry_run:
            return None
        rest = Path(options["rest"] or path.with_name(f"{path.stem}.rest.csv"))
        try:
            # Telephone numbers in clear: for the eyes of whoever runs the command.
            handle = os.open(rest, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(report.rest)
        except OSError as error:
            # The good rows are in; what is left can be had again, because the same file changes nothing.
            raise Refused("rest_not_written", file=str(rest)) from error
        return rest

    def _print(self, report: ImportReport, rest: Path | None) -> None:
        say = self.stdout.write
        say(_("%(file)s → 门店 %(store)s：%(rows)s 行") % report.as_dict())
        names = {
            "created": _("新建"),
            "linked": _("转到本店"),
            "updated": _("更新"),
            "corrected": _("更正"),
            "unchanged": _("未变"),
            "repeated": _("文件内重复"),
            "skipped": _("已作废，跳过"),
            "refused": _("有错"),
        }
        say(
            "  "
            + "  ".join(
                f"{words} {report.counts[name]}" for name, words in names.items() if report.counts[name]
            )
        )
        if report.unknown_columns:
            say(_("没有用到的列：%(columns)s") % {"columns": ", ".join(report.unknown_columns)})
        for error in report.as_dict()["errors"]:
            say(_("第 %(row)s 行 %(column)s：%(message)s") % error)
        if report.more_errors:
            say(_("另有 %(count)s 处错误没有列出。") % {"count": report.more_errors})
        if rest:
            say(_("没有导入的行写在 %(file)s。") % {"file": rest})
        if report.dry_run:
            say(_("试运行：没有写入任何内容。"))


class _OfCommand(Refused):
    """A command's own one-line refusal, in the shape of the others."""

    def __init__(self, line: str) -> None:
        super().__init__("command_refused")
        self.line = line

    def __str__(self) -> str:
        return self.line
