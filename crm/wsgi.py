"""The web's door for gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
application = get_wsgi_application()

from crm.keycheck import refuse_foreign_keys  # noqa: E402  (models can be imported only now)

refuse_foreign_keys()
