"""A whole prediction of one image against StarDist's ``predict_instances``.

    python -m tests.benchmarks.predict --json

One image of 512 x 512 pixels with drawn discs, one thread, networks loaded and warm, files not
read. Ours is ``segment`` with the shipped nuclei network, from the image's own bytes: percentiles,
network, polygons, suppression, refined masks, overlaps for the sliders. The peer is StarDist's
default 2-D network (``Config2D()``: 32 rays, grid 1, 1.4 million weights), trained here for 60
steps on the same kind of discs so that it finds some, and asked for an image that is normalised
already; of eight thresholds it gets the one at which it finds nearest to as many objects as were
drawn. The rows say how many: fewer objects are less work for it. The networks differ in size, and
how well either segments real images is not measured so.

    python -m tests.benchmarks.predict --stardist FOLDER --data DIR --json

With a StarDist model that was trained on real nuclei (``tests.benchmarks.nuclei`` leaves one in
``stardist-seed0-1h/model``) and the folder of ``nuclei_dsb2018``, the images are 512 x 512 pixels
from the middle of fluorescence images of the test split, StarDist goes by the thresholds that were
chosen for it, and both are scored on the whole of that split, each image as it is. ``--network``
names another network of ours than the shipped one, such as ``ours-seed0-1h/network``.
"""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks import measuring, nuclei, nuclei_runs, nuclei_stardist
from tests.engine.drawn import discs

SIDE = 512
OBJECTS = 110
STEPS = 60
MOST_REAL = 5


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


def on_drawn_discs(network: Any, settings: Any, rounds: int) -> dict[str, Any]:
    """The rows of one drawn image, and by which threshold the peer went."""
    from segmentation.engine.inference import segment
    from segmentation.engine.render import kept

    model = trained_stardist(range(8))
    picture, truth = discs(100, SIDE, OBJECTS)
    image = normalised(picture.pixels[0, 0])
    share, count = threshold(model, image, int(truth.instances.max()))
    times = measuring.turns(
        {
            "ours": lambda: segment(picture, network, settings),
            "peer": lambda: model.predict_instances(image, prob_thresh=share, nms_thresh=0.4),
        },
        rounds,
    )
    row = {
        "image": f"{SIDE}x{SIDE}",
        "drawn": int(truth.instances.max()),
        "ours_found": len(kept(segment(picture, network, settings))),
        "peer_found": count,
        **measuring.compare(times),
    }
    return {"rows": [row], "peer_threshold": share}


def on_nuclei(data: Path, folder: Path, network: Any, settings: Any, rounds: int) -> dict[str, Any]:
    """A row for each of a few real images, and how well both do on the whole test split."""
    from segmentation.engine.inference import segment
    from segmentation.engine.render import kept, label_map
    from tests.benchmarks.nuclei_ours import picture

    model = nuclei_stardist.load(folder)
    test = nuclei_runs.read(data, "test")
    large = [image for image in test if min(image.pixels.shape) >= SIDE]
    rows = []
    for image in map(middle, large[:: -(-len(large) // MOST_REAL)]):
        ready = nuclei_stardist.normalised(image)
        times = measuring.turns(
            {
                "ours": partial(segment, picture(image), network, settings),
                "peer": partial(model.predict_instances, ready),
            },
            rounds,
        )
        rows.append(
            {
                "image": image.id,
                "drawn": len(np.unique(image.truth)) - 1,
                "ours_found": len(kept(segment(picture(image), network, settings))),
                "peer_found": int(model.predict_instances(ready)[0].max()),
                **measuring.compare(times),
            }
        )
    ours = nuclei_runs.counted(
        test, lambda image: label_map(segment(picture(image), network, settings))[0]
    )
    peer = nuclei_runs.counted(test, nuclei_stardist.drawer(model))
    quality = nuclei.lead([ours], [peer], [image.group for image in test])
    for name, value in quality.items():
        measuring.say(f"AP at IoU {nuclei_runs.THRESHOLDS}, {name}: {value}")
    return {"rows": rows, "peer_threshold": model.thresholds._asdict(), "ap": quality}


def middle(image: nuclei_runs.Nuclei) -> nuclei_runs.Nuclei:
    """The middle ``SIDE`` x ``SIDE`` pixels of an image."""
    y, x = ((n - SIDE) // 2 for n in image.pixels.shape)
    part = np.s_[y : y + SIDE, x : x + SIDE]
    return image._replace(pixels=image.pixels[part], truth=image.truth[part])


def main() -> None:
    chosen = measuring.options(
        __doc__,
        stardist={"type": Path, "help": "folder of a trained StarDist model"},
        data={"type": Path, "help": "folder of nuclei_dsb2018"},
        network={"default": "nuclei", "help": "ours, by name or folder"},
    )
    if (chosen.stardist is None) != (chosen.data is None):
        raise SystemExit("Give --stardist and --data together, or neither for drawn discs.")
    torch = measuring.peer("torch")
    torch.set_num_threads(1)
    from segmentation.engine.checkpoints import load_network, resolve_network
    from segmentation.engine.inference import segment
    from segmentation.engine.types import Settings

    network = load_network(resolve_network(chosen.network))
    settings = Settings(device="cpu", threads=1)
    if chosen.data is None:
        found = on_drawn_discs(network, settings, chosen.rounds)
    else:
        found = on_nuclei(chosen.data, chosen.stardist, network, settings, chosen.rounds)
    measuring.finish(
        "predict",
        f"{measuring.version('stardist')}, predict_instances",
        found.pop("rows"),
        chosen.json,
        network=f"{network.card['name']} {network.card['digest'][:12]}",
        runtime=segment(discs(100, SIDE, 1)[0], network, settings).device,
        **found,
    )


if __name__ == "__main__":
    main()
