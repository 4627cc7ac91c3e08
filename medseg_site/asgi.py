"""What uvicorn serves."""

from __future__ import annotations

import gc
import os
from importlib import import_module

from django.core.asgi import get_asgi_application

from medseg_site.children import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medseg_site.settings")

if os.environ.get("MEDSEG_RUN"):
    # Under `up`, a worker of uvicorn must not hold the port after uvicorn itself was killed.
    die_with_parent()

application = get_asgi_application()

# Load every door now rather than in somebody's first request, and take what was loaded out of the
# garbage collector's rounds: going through it all stops the server for up to a tenth of a second.
import_module("medseg_site.urls")
gc.collect()
gc.freeze()
