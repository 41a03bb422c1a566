#!/usr/bin/env python
"""The command line. Without DATABASE_URL it finds or starts the embedded servers first."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    from crm.embedded import attach

    attach(sys.argv)
    import django
    from django.core.management import execute_from_command_line

    django.setup()
    from crm.keycheck import refuse_foreign_keys

    refuse_foreign_keys(sys.argv)
    execute_from_command_line(sys.argv)
