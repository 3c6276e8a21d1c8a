"""The web process for servers that speak WSGI."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
os.environ.setdefault("DATABASE_POOL", "True")

from django.core.wsgi import get_wsgi_application

from portal import frame

frame.start_servers()

application = get_wsgi_application()
