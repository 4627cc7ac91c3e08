"""What uvicorn serves."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

from medseg_site.children import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medseg_site.settings")

if os.environ.get("MEDSEG_RUN"):
    # Under `up`, a worker of uvicorn must not hold the port after uvicorn itself was killed.
    die_with_parent()

application = get_asgi_application()
