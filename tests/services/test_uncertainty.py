"""The map of uncertainty of a run, from the network to the stored pack."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from segmentation.engine.checkpoints import Network
from segmentation.models import Blob, Project, SegmentationRun
from segmentation.services import runs
from segmentation.storage.volumes import slice_plane
from tests.builders import a_case, a_project
from tests.services.test_runs import a_version, predict

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def project() -> Project:
    return a_project(task="semantic", labels=("bright",))


def test_the_map_of_uncertainty_is_kept_with_the_run_and_says_where_to_look(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network that knows nothing of a patch in slice 2 of 3, and is sure of all else."""

    class Unsure(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            logits = torch.zeros(1, 2, *x.shape[2:])
            logits[:, 0] = 20
            if float(x[0, 0, 0, 0]) == corners[1]:
                # The image of 48 rows stands in the middle of a window of 64.
                logits[:, 0, 18:28, 30:44] = 0
            return logits

    case = a_case(project, (3, 48, 64))
    pack = case.images.get().pack_id
    corners = [float(slice_plane(pack, z)[0, 0, 0]) for z in range(3)]
    assert len(set(corners)) == 3, "the drawn noise tells the slices apart"
    monkeypatch.setattr(
        runs,
        "network_load",
        lambda version: Network("semantic2d", ("bright",), version.card, Unsure().eval()),
    )
    a_version()
    predict(case)
    run = SegmentationRun.objects.get(case=case)
    assert run.uncertainty_map is not None
    assert run.uncertainty_map.kind == Blob.Kind.UNCERTAINTY
    planes = [slice_plane(run.uncertainty_map_id, z)[0] for z in range(3)]
    known = np.zeros((48, 64), np.uint8)
    known[10:20, 30:44] = 255
    assert np.array_equal(planes[1], known)
    assert not planes[0].any()
    assert not planes[2].any()
    ((plane, y, x, pixels),) = run.uncertain_places
    assert (plane, pixels) == (1, 140)
    assert 13 <= y <= 16
    assert 33 <= x <= 40
