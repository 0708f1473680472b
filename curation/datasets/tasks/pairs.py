"""A better and a worse answer to the same prompt (DPO)."""

from curation.datasets.pairing.gather import SOURCES, gather
from curation.datasets.pairing.words import explain
from curation.datasets.tasks.options import Option
from curation.datasets.tasks.task import Task

TASK = Task(
    NAME="pairs",
    LABEL="A better and a worse answer",
    HELP="For DPO: both answers follow the same prompt, and one of them is better. They come from edited answers, "
    "preferences, attempts at the same task, or generated candidates.",
    KIND="pair",
    OPTIONS=(
        Option(name="sources", label="Where pairs come from", kind="choices", default=list(SOURCES), choices=SOURCES,
               help="Generated candidates are taken from the batch that the recipe names."),
        Option(name="measure", label="Score that says which attempts passed", default="", optional=True, score=True,
               help="For attempts that nobody judged. Empty: only judged ones are compared."),
        Option(name="max_pairs_per_case", label="Most pairs of one task or trace", kind="whole", default=1, least=1,
               most=100),
        Option(name="min_score_diff", label="Least difference of scores", kind="number", default=0.05, least=0, most=1,
               help="Of generated candidates, from 0 to 1."),
        Option(name="rejected", label="The worse candidate is", kind="choice", default="worst",
               choices={"worst": "The worst", "median": "The median, from three candidates on"}),
        Option(name="conflicts", label="Where people disagree", kind="choice", default="skip",
               choices={"skip": "Leave the pair out", "majority": "Take what most say"}),
        Option(name="max_likeness", label="Leave out answers that are this much alike", kind="number", default=0.95,
               least=0.1, most=1, help="From 0 to 1, by their runs of three words. Edited answers stay in all the same."),
    ),
    DECIDES=True,
    GATHER=gather,
    EXPLAIN=explain,
)  # fmt: skip
