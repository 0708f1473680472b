"""manage.py compare_models --project SLUG --dataset NAME@N --candidate MODEL [--baseline MODEL] [--grader SLUG]
[--confirm PRICE] [--wait] [--json]"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from evaluation.compare import drive
from evaluation.compare.ask import Refused, Wish, ask, price
from evaluation.judging import progress
from evaluation.judging.price import Bill
from evaluation.models import Comparison
from workspace import formats
from workspace.access import SYSTEM
from workspace.models import Project


class Command(BaseCommand):
    """Compares two models on held-out rows. With --wait it does the work itself, without a Celery worker."""

    help = "Compare two models on the held-out rows of a dataset version. Exit code 0 for any verdict, 1 on failure."

    def add_arguments(self, parser: CommandParser) -> None:
        """What is compared, on what, and how."""
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--dataset", required=True, metavar="NAME@N", help="NAME alone: the newest version")
        parser.add_argument(
            "--candidate", required=True, metavar="MODEL", help="id, NAME@N, NAME, connection:NAME/MODEL"
        )
        parser.add_argument(
            "--baseline", default="base", metavar="MODEL", help="default: what the candidate was tuned from"
        )
        parser.add_argument("--split", default="", choices=["", "test", "validation"])
        parser.add_argument(
            "--turns", default="last", choices=["last", "each"], help="the final answer, or each answer"
        )
        parser.add_argument("--most", type=int, metavar="N", help="at most N conversations")
        parser.add_argument("--max-new-tokens", type=int, default=256, metavar="N")
        parser.add_argument("--temperature", type=float, default=0.0)
        parser.add_argument(
            "--grader", action="append", metavar="SLUG", help="a confirmed grader of the project; may be given again"
        )
        parser.add_argument(
            "--confirm", default="", metavar="PRICE",
            help='of graders that ask a model: US dollars as printed, or "unknown"; without it they are only priced',
        )  # fmt: skip
        parser.add_argument("--wait", action="store_true", help="work until there is a verdict")
        parser.add_argument("--timeout", type=float, default=None, metavar="SECONDS", help="with --wait")
        parser.add_argument("--json", action="store_true", help="print the result as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask, work if told to, and say what came out."""
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']!r}.")
        wish = Wish(
            candidate=options["candidate"],
            baseline=options["baseline"],
            dataset=options["dataset"],
            split=options["split"],
            turns=options["turns"],
            most=options["most"],
            graders=options["grader"],
            settings={"max_new_tokens": options["max_new_tokens"], "temperature": options["temperature"]},
            confirmed=options["confirm"],
        )
        try:
            if not wish.confirmed:
                _say_price(price(project=project, actor=SYSTEM, wish=wish))
            comparison = ask(project=project, actor=SYSTEM, wish=wish)
        except Refused as error:
            raise CommandError(f"{error.where}: {error}") from None
        if options["wait"]:
            try:
                comparison = drive.work_until_settled(
                    comparison, tell=lambda line: self.stderr.write(line), timeout=options["timeout"]
                )
            except TimeoutError as error:
                raise CommandError(str(error)) from None
        self.stdout.write(json.dumps(_plain(comparison)) if options["json"] else _words(comparison))
        if comparison.status == Comparison.Status.FAILED:
            raise CommandError(comparison.status_reason)


def _say_price(bill: Bill | None) -> None:
    """Raises CommandError with the price where somebody has to agree to one."""
    if bill is None or bill.whole.is_free:
        return
    told = bill.whole
    names = ", ".join(str(line.version) for line in bill.lines)
    cost = f"at most {formats.money(told.usd)}" if told.usd is not None else f"an unknown sum. {told.why_unknown}"
    raise CommandError(
        f"{told.items:,} judgments would be made by {names} with {told.calls:,} calls, for {cost.rstrip('.')}. Nothing was "
        f"asked: run it again with --confirm {told.text}"
    )


def _plain(comparison: Comparison) -> dict[str, Any]:
    result = comparison.result if comparison.is_concluded else {}
    return {
        "id": str(comparison.uid),
        "name": comparison.name,
        "status": comparison.status,
        "status_reason": comparison.status_reason,
        "verdict": comparison.outcome if comparison.is_concluded else None,
        "sentence": comparison.sentence if comparison.is_concluded else "",
        "suite": str(comparison.suite),
        "scenarios": comparison.suite.counts["scenarios"],
        "metrics": result.get("metrics", []),
        "further": result.get("further", []),
        **_judged(comparison),
    }


def _judged(comparison: Comparison) -> dict[str, Any]:
    done = progress.of(comparison)
    if done is None:
        return {}
    return {"judged": done.judged, "without_judgment": done.lost, "judging_cost_usd": f"{done.cost_usd:f}"}


def _words(comparison: Comparison) -> str:
    if comparison.is_concluded:
        return " ".join([f"{comparison.outcome}: {comparison.sentence}", *comparison.result.get("further", [])])
    return f"{comparison.name} ({comparison.uid}): {comparison.get_status_display().lower()}"
