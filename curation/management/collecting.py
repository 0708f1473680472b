"""What training_export and training_prepare share: the traces that somebody asks for, as a filter and a recipe."""

from typing import Any

from django.core.management.base import CommandParser

from curation.datasets import recipe
from curation.datasets.exporting import formats

NAME = "training-export"


def add_arguments(parser: CommandParser) -> None:
    """Which traces, and how good they must be."""
    parser.add_argument("--project", metavar="SLUG", help="needed where there are several")
    parser.add_argument(
        "--min-quality", type=float, metavar="4.0", help="response_quality, else the mean rating, 1 to 5"
    )
    parser.add_argument("--min-confidence", type=float, metavar="0.9", help="validation_confidence, 0 to 1")
    parser.add_argument("--agent", help="only traces of this agent")
    parser.add_argument("--filter", default="", metavar="QUERY", dest="query", help="as in the trace list")
    parser.add_argument("--judgments", help=f"with commas, of {', '.join(recipe.JUDGMENTS)}; default: acceptable, and "
                                            "with a minimum also unjudged")  # fmt: skip
    parser.add_argument("--format", default="openai", help=f"one of {', '.join(formats.FORMATS)}; openai is openai-sft")
    parser.add_argument("--validation", type=float, default=0.0, metavar="0.1", help="share kept for a validation file")
    parser.add_argument("--limit", type=int, help="at most so many rows")
    parser.add_argument("--personal", choices=["replace", "exclude", "keep"], help="what becomes of personal data")


def query_of(options: dict[str, Any]) -> str:
    """The filter: what was typed, and the agent."""
    agent = options["agent"]
    if not agent:
        return str(options["query"])
    quoted = f'agent:"{agent}"' if any(sign in agent for sign in ' "():') else f"agent:{agent}"
    return f"({options['query']}) {quoted}" if options["query"] else quoted


def recipe_of(options: dict[str, Any]) -> recipe.Recipe:
    """The recipe. Raises recipe.RecipeError."""
    floors = [name for name in ("min_quality", "min_confidence") if options[name] is not None]
    judged = options["judgments"] or ("acceptable,unjudged" if floors else "acceptable")
    wanted: dict[str, Any] = {name: options[name] for name in (*floors, "limit") if options[name] is not None}
    wanted |= {"judgments": [word.strip() for word in judged.split(",") if word.strip()]}
    wanted |= {"validation": options["validation"], "test": 0.0}
    if options["personal"] in ("replace", "exclude"):
        wanted["personal"] = options["personal"]
    return recipe.parse(wanted)
