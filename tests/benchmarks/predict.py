"""A whole prediction of one image against StarDist's ``predict_instances``.

    python -m tests.benchmarks.predict --json

One image of 512 x 512 pixels with drawn discs, one thread, networks loaded and warm, files not
read. Ours is ``segment`` with the shipped nuclei network, from the image's own bytes: percentiles,
network, polygons, suppression, refined masks, overlaps for the sliders. The peer is StarDist's
default 2-D network (``Config2D()``: 32 rays, grid 1, 1.4 million weights), trained here for 60
steps on the same kind of discs so that it finds some, and asked for an image that is normalised
already; of eight thresholds it gets the one at which it finds nearest to as many objects as were
drawn. The rows say how many: fewer objects are less work for it. The networks differ in size, and
how well either segments real images is not measured here.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks import measuring
from tests.engine.drawn import discs

SIDE = 512
OBJECTS = 110
STEPS = 60


def trained_stardist(seeds: range) -> Any:
    """StarDist's default network after ``STEPS`` steps of four patches of 128 x 128."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    tensorflow = measuring.peer("tensorflow")
    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    models = measuring.peer("stardist.models")
    config = models.Config2D(
        train_patch_size=(128, 128),
        train_batch_size=4,
        train_learning_rate=1e-3,
        train_tensorboard=False,
        train_epochs=1,
        train_steps_per_epoch=STEPS,
    )
    model = models.StarDist2D(config, name="drawn", basedir=tempfile.mkdtemp())
    drawn = [discs(seed, 192, 16) for seed in seeds]
    images = [normalised(picture.pixels[0, 0]) for picture, _ in drawn]
    truths = [truth.instances[0].astype(np.int32) for _, truth in drawn]
    model.train(images, truths, validation_data=(images[:2], truths[:2]))
    return model


def normalised(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    low, high = np.percentile(pixels, [1, 99.8])
    return ((pixels - low) / (high - low)).astype(np.float32)


def threshold(model: Any, image: NDArray[np.float32], wanted: int) -> tuple[float, int]:
    """The probability from which StarDist finds about so many objects, and how many it finds."""
    found = {}
    for share in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8):
        labels, _ = model.predict_instances(image, prob_thresh=share, nms_thresh=0.4)
        found[share] = int(labels.max())
    best = min(found, key=lambda share: abs(found[share] - wanted))
    return best, found[best]


def main() -> None:
    chosen = measuring.options(__doc__)
    model = trained_stardist(range(8))
    torch = measuring.peer("torch")
    torch.set_num_threads(1)
    from segmentation.engine.checkpoints import load_network, resolve_network
    from segmentation.engine.inference import segment
    from segmentation.engine.render import kept
    from segmentation.engine.types import Settings

    picture, truth = discs(100, SIDE, OBJECTS)
    network = load_network(resolve_network("nuclei"))
    settings = Settings(device="cpu", threads=1)
    ours = segment(picture, network, settings)
    image = normalised(picture.pixels[0, 0])
    share, count = threshold(model, image, int(truth.instances.max()))

    times = measuring.turns(
        {
            "ours": lambda: segment(picture, network, settings),
            "peer": lambda: model.predict_instances(image, prob_thresh=share, nms_thresh=0.4),
        },
        chosen.rounds,
    )
    rows = [
        {
            "image": f"{SIDE}x{SIDE}",
            "drawn": int(truth.instances.max()),
            "ours_found": len(kept(ours)),
            "peer_found": count,
            **measuring.compare(times),
        }
    ]
    measuring.finish(
        "predict",
        f"{measuring.version('stardist')}, predict_instances",
        rows,
        chosen.json,
        runtime=ours.device,
        peer_threshold=share,
    )


if __name__ == "__main__":
    main()
