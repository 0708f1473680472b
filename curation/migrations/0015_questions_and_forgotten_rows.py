"""Queues may ask more than a verdict; and rows of frozen versions can be emptied where somebody of theirs is forgotten.

A row still cannot be changed, but for two things: its preference goes when that is deleted, and once a trace of the row
is erased, what the row says and the name of its group may be taken away.
"""

from django.db import migrations, models

FORWARD = """
CREATE FUNCTION curation_frozen_row() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    loose text[] := ARRAY['preference_id', 'content', 'split_group'];
BEGIN
    IF (to_jsonb(NEW) - loose) = (to_jsonb(OLD) - loose)
        AND (NEW.preference_id IS NULL OR NEW.preference_id = OLD.preference_id)
        AND (
            (NEW.content, NEW.split_group) IS NOT DISTINCT FROM (OLD.content, OLD.split_group)
            OR (
                (NEW.content IS NULL OR NEW.content -> 'messages' = '[]')
                AND EXISTS (
                    SELECT 1 FROM curation_trace t
                    WHERE t.id IN (OLD.trace_id, OLD.other_trace_id) AND t.erased_at IS NOT NULL
                )
            )
        )
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a frozen dataset version cannot be changed (%)', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

DROP TRIGGER frozen_row ON curation_datasetrow;
CREATE TRIGGER frozen_row BEFORE UPDATE ON curation_datasetrow FOR EACH ROW EXECUTE FUNCTION curation_frozen_row();
"""

BACKWARD = """
DROP TRIGGER frozen_row ON curation_datasetrow;
CREATE TRIGGER frozen_row BEFORE UPDATE ON curation_datasetrow FOR EACH ROW EXECUTE FUNCTION curation_frozen();
DROP FUNCTION curation_frozen_row();
"""


class Migration(migrations.Migration):
    dependencies = [("curation", "0014_topic_acts")]
    operations = [
        migrations.AddField(
            model_name="reviewqueue",
            name="questions",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="What is asked beside the verdict: a set of review.questions.",
                max_length=20,
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
