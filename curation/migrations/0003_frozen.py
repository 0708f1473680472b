"""What is frozen stays frozen: the database itself refuses to change a dataset version, its rows and its decisions.

- An update fails, except that a deleted account is taken off `created_by`.
- A row goes only together with its version (checked at the end of the transaction, since Django deletes the
  rows before the version).
- No row can be added beyond the number that the version was frozen with; positions are unique, so none at all.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION curation_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a frozen dataset version cannot be changed (%)', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION curation_frozen_whole() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM curation_datasetversion WHERE id = OLD.version_id) THEN
        RAISE EXCEPTION 'a frozen dataset version cannot lose a part (%)', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION curation_frozen_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM added JOIN curation_datasetversion v ON v.id = added.version_id
        WHERE added.position < 1 OR added.position > (v.counts ->> 'rows')::int
    ) THEN
        RAISE EXCEPTION 'a frozen dataset version takes no more rows' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER frozen_version BEFORE UPDATE ON curation_datasetversion FOR EACH ROW
    WHEN ((to_jsonb(NEW) - 'created_by_id') <> (to_jsonb(OLD) - 'created_by_id') OR NEW.created_by_id IS NOT NULL)
    EXECUTE FUNCTION curation_frozen();
CREATE TRIGGER frozen_row BEFORE UPDATE ON curation_datasetrow FOR EACH ROW EXECUTE FUNCTION curation_frozen();
CREATE TRIGGER frozen_decision BEFORE UPDATE ON curation_datasetdecision FOR EACH ROW
    EXECUTE FUNCTION curation_frozen();
CREATE CONSTRAINT TRIGGER whole_row AFTER DELETE ON curation_datasetrow DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION curation_frozen_whole();
CREATE TRIGGER full_version AFTER INSERT ON curation_datasetrow REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION curation_frozen_rows();
"""

BACKWARD = """
DROP TRIGGER full_version ON curation_datasetrow;
DROP TRIGGER whole_row ON curation_datasetrow;
DROP TRIGGER frozen_decision ON curation_datasetdecision;
DROP TRIGGER frozen_row ON curation_datasetrow;
DROP TRIGGER frozen_version ON curation_datasetversion;
DROP FUNCTION curation_frozen_rows();
DROP FUNCTION curation_frozen_whole();
DROP FUNCTION curation_frozen();
"""


class Migration(migrations.Migration):
    dependencies = [("curation", "0002_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
