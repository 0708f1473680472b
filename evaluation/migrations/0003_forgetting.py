"""Forgetting a person is the one act that may empty scenarios of a suite: it says so in its transaction."""

from django.db import migrations

FORWARD = """
CREATE OR REPLACE FUNCTION evaluation_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'evaluation_scenario' AND current_setting('whetstone.forgetting', true) = 'on' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a suite cannot be changed (%)', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
"""

BACKWARD = """
CREATE OR REPLACE FUNCTION evaluation_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a suite cannot be changed (%)', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("evaluation", "0002_fixed_suites")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
