"""What Django cannot express."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("curation", "0004_wider")]

    operations = [
        # bodies are written once and read once: packing them would be most of what it costs to take them in
        migrations.RunSQL(
            "ALTER TABLE curation_rawrecord ALTER COLUMN body SET STORAGE EXTERNAL",
            "ALTER TABLE curation_rawrecord ALTER COLUMN body SET STORAGE EXTENDED",
        ),
    ]
