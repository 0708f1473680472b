#!/usr/bin/env python
"""Whetstone's commands: `python manage.py help` lists them."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.management import execute_from_command_line
    except ModuleNotFoundError as error:
        sys.exit(f"{error}. Whetstone is not installed here: run `make up`, which sets everything up.")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
