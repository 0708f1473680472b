"""Celery's nudges. Rows are the queue: each of these may be lost or come twice without harm."""

import logging

from celery import shared_task

from curation.browse import bulk, rollups
from curation.datasets import freezing, topic_proposals
from curation.datasets.selecting import signatures
from curation.forget import retention
from curation.ingest import inbox
from curation.privacy import scan
from curation.replay import ask
from curation.review import queues, said
from curation.scoring import arrivals, batches, trial
from curation.search import index

log = logging.getLogger(__name__)


@shared_task(name="curation.tasks.work_off", ignore_result=True)
def work_off(record_id: int) -> None:
    """Work off one received body, and give its traces the words that waited for them."""
    inbox.work_off_with_others(record_id=record_id)
    said.deliver_in_passing()


@shared_task(name="curation.tasks.sweep_inbox", ignore_result=True)
def sweep_inbox() -> None:
    """Work off received bodies that wait, for some seconds: those whose nudge got lost, and those that failed before."""
    found = inbox.sweep()
    if found["quarantined"]:
        log.warning("%s received bodies could not be read and were quarantined.", found["quarantined"])


@shared_task(name="curation.tasks.give_words", ignore_result=True)
def give_words() -> None:
    """Give scores and feedback that came before their traces to those that are there by now; drop very old ones."""
    said.deliver()
    said.drop_old()


@shared_task(name="curation.tasks.refill_queues", ignore_result=True)
def refill_queues() -> None:
    """Put traces that match a review queue's filter by now into it."""
    queues.refill_all()


@shared_task(name="curation.tasks.index_traces", ignore_result=True)
def index_traces() -> None:
    """Put the words of traces that wait into the search index, for some seconds."""
    index.sweep()


@shared_task(name="curation.tasks.fill_index", ignore_result=True)
def fill_index() -> None:
    """Put traces from before the search index on its queue."""
    index.backfill()


@shared_task(name="curation.tasks.sum_hours", ignore_result=True)
def sum_hours() -> None:
    """Compute the sums of hours whose traces changed."""
    rollups.sweep()


@shared_task(name="curation.tasks.look_for_personal_data", ignore_result=True)
def look_for_personal_data() -> None:
    """Look for personal data in revisions that wait, for some seconds."""
    scan.sweep()


@shared_task(name="curation.tasks.sign_revisions", ignore_result=True)
def sign_revisions() -> None:
    """Work out, for some seconds, what selecting rows needs to know of revisions."""
    signatures.sweep()


@shared_task(name="curation.tasks.keep_to_retention", ignore_result=True)
def keep_to_retention() -> None:
    """Delete what the rules of projects do not keep any longer, for some seconds."""
    retention.sweep()


@shared_task(name="curation.tasks.work_on_act", ignore_result=True)
def work_on_act(act_id: int) -> None:
    """Go on with an act on many traces; sends itself again while it is not at its end."""
    if not bulk.work_all(seconds=10, only=act_id):
        work_on_act.apply_async((act_id,), retry=False)


@shared_task(name="curation.tasks.sweep_acts", ignore_result=True)
def sweep_acts() -> None:
    """Go on with acts on many traces whose nudge got lost."""
    bulk.work_all(seconds=5)


@shared_task(name="curation.tasks.ask_replay", ignore_result=True)
def ask_replay(replay_id: int) -> None:
    """Ask a connection for one replay; a second message for the same one finds it taken."""
    ask.answer(replay_id)


@shared_task(name="curation.tasks.sweep_replays", ignore_result=True)
def sweep_replays() -> None:
    """Ask for replays whose nudge got lost; end those whose process is gone."""
    for replay_id in ask.waiting():
        ask_replay.apply_async((replay_id,), retry=False)


@shared_task(name="curation.tasks.work_on_batch", ignore_result=True)
def work_on_batch(batch_id: int) -> None:
    """Go on with a batch of calls; sends itself again while it is not at its end. A second message finds it taken."""
    if not batches.work(batch_id, seconds=20):
        work_on_batch.apply_async((batch_id,), retry=False)


@shared_task(name="curation.tasks.sweep_batches", ignore_result=True)
def sweep_batches() -> None:
    """Go on with batches whose nudge got lost, or whose process is gone."""
    for batch_id in batches.open_batches():
        work_on_batch.apply_async((batch_id,), retry=False)


@shared_task(name="curation.tasks.work_on_trial", ignore_result=True)
def work_on_trial(trial_id: int) -> None:
    """Go on with a trial of a grader; sends itself again while it is not at its end. A second message finds it taken."""
    if not trial.work(trial_id, seconds=20):
        work_on_trial.apply_async((trial_id,), retry=False)


@shared_task(name="curation.tasks.sweep_trials", ignore_result=True)
def sweep_trials() -> None:
    """Go on with trials whose nudge got lost, or whose process is gone."""
    for trial_id in trial.open_trials():
        work_on_trial.apply_async((trial_id,), retry=False)


@shared_task(name="curation.tasks.score_arrivals", ignore_result=True)
def score_arrivals() -> None:
    """Put traces that arrived before the graders that score them."""
    for batch_id in arrivals.sweep():
        work_on_batch.apply_async((batch_id,), retry=False)


@shared_task(name="curation.tasks.freeze", ignore_result=True)
def freeze(freezing_id: int) -> None:
    """Go on with a freezing; sends itself again while it is not at its end. A second message finds it taken."""
    if not freezing.work(freezing_id, seconds=20):
        freeze.apply_async((freezing_id,), retry=False)


@shared_task(name="curation.tasks.sweep_freezings", ignore_result=True)
def sweep_freezings() -> None:
    """Go on with freezings whose nudge got lost, or whose process is gone."""
    for freezing_id in freezing.open_freezings():
        freeze.apply_async((freezing_id,), retry=False)


@shared_task(name="curation.tasks.propose_topics", ignore_result=True)
def propose_topics(clustering_id: int) -> None:
    """Work a clustering off. A second message finds it taken."""
    topic_proposals.work(clustering_id)


@shared_task(name="curation.tasks.sweep_clusterings", ignore_result=True)
def sweep_clusterings() -> None:
    """Go on with clusterings whose nudge got lost, or whose process is gone."""
    for clustering_id in topic_proposals.open_clusterings():
        propose_topics.apply_async((clustering_id,), retry=False)
