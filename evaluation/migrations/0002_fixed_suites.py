"""A suite that models were compared on stays what it was: the database refuses to change it or its scenarios."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION evaluation_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a suite cannot be changed (%)', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER fixed_suite BEFORE UPDATE ON evaluation_suite FOR EACH ROW EXECUTE FUNCTION evaluation_fixed();
CREATE TRIGGER fixed_scenario BEFORE UPDATE ON evaluation_scenario FOR EACH ROW EXECUTE FUNCTION evaluation_fixed();
"""

BACKWARD = """
DROP TRIGGER fixed_scenario ON evaluation_scenario;
DROP TRIGGER fixed_suite ON evaluation_suite;
DROP FUNCTION evaluation_fixed();
"""


class Migration(migrations.Migration):
    dependencies = [("evaluation", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
