from __future__ import annotations

import numpy as np
import pytest

from segmentation.models import Image
from segmentation.services.pictures import picture_open
from tests.builders import a_case, a_project

pytestmark = pytest.mark.django_db


def test_a_radiograph_that_stores_bone_dark_reaches_the_network_with_bone_bright() -> None:
    image = Image.objects.get(case=a_case(a_project()))
    usual = np.asarray(picture_open(image).pixels, np.float32)

    image.photometric = "MONOCHROME1"
    turned_round = picture_open(image).pixels

    np.testing.assert_array_equal(turned_round, usual.min() + usual.max() - usual)
