"""The audit log and the lineage are only ever added to: the database itself refuses changes and deletions.

Two exceptions: an account or token that is deleted takes its link (not its name) out of the audit log, and erasing a
whole project sets `whetstone.erasing` for its transaction.
"""

from django.db import migrations

FORWARD = """
create function whetstone_only_added_to() returns trigger language plpgsql as $$
begin
    if current_setting('whetstone.erasing', true) = 'on' then
        return case when tg_op = 'DELETE' then old else new end;
    end if;
    if tg_op = 'UPDATE' and tg_table_name = 'workspace_auditentry' then
        if (to_jsonb(new) - 'user_id' - 'token_id') = (to_jsonb(old) - 'user_id' - 'token_id')
           and (new.user_id is null or new.user_id = old.user_id)
           and (new.token_id is null or new.token_id = old.token_id) then
            return new;
        end if;
    end if;
    raise exception '% is only ever added to', tg_table_name using errcode = 'integrity_constraint_violation';
end $$;
create trigger only_added_to before update or delete on workspace_auditentry
    for each row execute function whetstone_only_added_to();
create trigger only_added_to before update or delete on workspace_lineageedge
    for each row execute function whetstone_only_added_to();
"""
BACKWARD = """
drop trigger only_added_to on workspace_lineageedge;
drop trigger only_added_to on workspace_auditentry;
drop function whetstone_only_added_to();
"""


class Migration(migrations.Migration):
    dependencies = [("workspace", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
