#!/usr/bin/env python
"""Whetstone's commands: `python manage.py help` lists them."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
    except ModuleNotFoundError as error:
        sys.exit(f"{error}. Whetstone is not installed here: run `make up`, which sets everything up.")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # a setting that cannot be right: the sentence is enough
        sys.exit(f"{sys.argv[0]}: {error}")


if __name__ == "__main__":
    main()
