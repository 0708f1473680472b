#!/usr/bin/env python
"""Whetstone's commands: `python manage.py help` lists them."""

import os
import sys

NO_SUCH_TABLE_OR_COLUMN = ("42P01", "42703")


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
        from django.db.utils import ProgrammingError
    except ModuleNotFoundError as error:
        sys.exit(f"{error}. Whetstone is not installed here: run `make up`, which sets everything up.")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # a setting that cannot be right: the sentence is enough
        sys.exit(f"{sys.argv[0]}: {error}")
    except ProgrammingError as error:
        if getattr(error.__cause__, "sqlstate", "") not in NO_SUCH_TABLE_OR_COLUMN:
            raise
        reason = str(error).splitlines()[0]
        sys.exit(
            f"{sys.argv[0]}: the database is not set up for this version ({reason}). Run `{sys.argv[0]} migrate` first."
        )


if __name__ == "__main__":
    main()
