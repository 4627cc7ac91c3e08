"""The settings of a site, made from its environment variables.

Only when Django was told to load this very module: a sibling such as ``settings.test`` must not
create the keys and folders of a real site by merely being imported.
"""

from __future__ import annotations

import os

from medseg_site.settings.build import build

if os.environ.get("DJANGO_SETTINGS_MODULE", __name__) == __name__:
    globals().update(build(os.environ))
