"""StarDist's part of ``tests.benchmarks.nuclei``, as its example notebook trains it.

    python -m tests.benchmarks.nuclei_stardist --data DIR --work FOLDER --seed 0 --hours 1

From StarDist's ``examples/2D/2_training.ipynb``: percentiles 1 and 99.8, holes in masks filled, 32
rays on a grid of 2, flips, turns, brightness and noise, ``optimize_thresholds`` last. From
``Config2D``: patches of 256 x 256, 4 in a batch, 100 steps in an epoch, Adam at 3e-4 that is halved
after 40 epochs without gain; what is kept are the weights of the epoch with the least validation
loss. Images smaller than a patch are mirrored up to one. The same command goes on from the state of
a run that was killed; its batches are then drawn anew.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks import measuring
from tests.benchmarks.nuclei_runs import (
    CURVE_CUTOFFS,
    CURVE_OVERLAP,
    SAVE_EVERY_S,
    Draw,
    Journal,
    Labels,
    Nuclei,
    Run,
    Stopwatch,
    asked,
    counted,
    precision,
    read,
    scored,
    set_aside,
)

Floats = NDArray[np.floating]
BEST = "weights_best.h5"
STATE = "state.npz"
PATCH = 256
ENDLESS = 100_000
"""Epochs; the budget ends the training."""


def main() -> None:
    run, data = asked("stardist", __doc__)
    _one_thread()
    learnt, checks = set_aside(read(data, "train"))
    journal = Journal(run)
    model = _fresh(run)
    spent = learn(model, run, learnt, checks, journal)
    chosen = model.optimize_thresholds(
        [normalised(image) for image in checks], [filled(image) for image in checks]
    )
    run.finish(
        packages=[measuring.version("stardist"), measuring.version("tensorflow-cpu")],
        weights=model.keras_model.count_params(),
        **spent,
        images=len(learnt),
        chosen=chosen,
        **journal.told(),
        test=scored(read(data, "test"), drawer(model)),
    )


def _one_thread() -> None:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    threading = measuring.peer("tensorflow").config.threading
    threading.set_intra_op_parallelism_threads(1)
    threading.set_inter_op_parallelism_threads(1)


def _fresh(run: Run) -> Any:
    """StarDist's network with weights drawn from the seed, in the folder of the run."""
    measuring.peer("tensorflow").keras.utils.set_random_seed(run.seed)
    models = measuring.peer("stardist.models")
    config = models.Config2D(n_rays=32, grid=(2, 2), n_channel_in=1, train_tensorboard=False)
    return models.StarDist2D(config, name="model", basedir=str(run.folder))


def load(folder: Path) -> Any:
    """A trained model from its folder, with the thresholds that were chosen for it."""
    if not (folder / "config.json").is_file():
        raise SystemExit(f"{folder} holds no StarDist model: there is no config.json in it.")
    _one_thread()
    models = measuring.peer("stardist.models")
    return models.StarDist2D(None, name=folder.name, basedir=str(folder.parent))


def normalised(image: Nuclei) -> Floats:
    low, high = np.percentile(image.pixels, [1, 99.8])
    scaled: Floats = ((image.pixels - low) / max(high - low, 1e-20)).astype(np.float32)
    return scaled


def filled(image: Nuclei) -> Labels:
    holes: Labels = measuring.peer("stardist").fill_label_holes(image.truth.astype(np.int32))
    return holes


def _padded(plane: NDArray[Any]) -> NDArray[Any]:
    """At least a patch in size, mirrored where it is not."""
    return np.pad(plane, [(0, max(0, PATCH - n)) for n in plane.shape], mode="symmetric")


def augmented(x: Floats, y: Labels) -> tuple[Floats, Labels]:
    """The augmenter of the notebook, word for word in what it does."""
    order = tuple(np.random.permutation(2))
    x, y = x.transpose(order), y.transpose(order)
    for axis in (0, 1):
        if np.random.rand() > 0.5:
            x, y = np.flip(x, axis), np.flip(y, axis)
    x = x * np.random.uniform(0.6, 2) + np.random.uniform(-0.2, 0.2)
    return x + 0.02 * np.random.uniform(0, 1) * np.random.normal(0, 1, x.shape), y


def learn(
    model: Any, run: Run, learnt: Sequence[Nuclei], checks: Sequence[Nuclei], journal: Journal
) -> dict[str, float]:
    """Train until the CPU seconds are spent; the steps and seconds that were taken."""
    model.prepare_for_training()
    budget = _Budget(model, run, checks, journal)
    model.callbacks.append(budget.callback())
    if budget.watch.spent < run.budget_s:
        model.train(
            [_padded(normalised(image)) for image in learnt],
            [_padded(filled(image)) for image in learnt],
            validation_data=(
                [_padded(normalised(image)) for image in checks],
                [_padded(filled(image)) for image in checks],
            ),
            augmenter=augmented,
            seed=run.seed,
            epochs=ENDLESS,
        )
    model.load_weights(BEST)
    if journal.due(budget.watch.spent):
        journal.judge(budget.watch.spent, budget.steps, lambda: curve(model, checks))
    return {"steps": budget.steps, "cpu_s": round(budget.watch.spent, 1)}


class _Budget:
    """What Keras calls while it trains: counts CPU seconds, saves, judges, and ends the training.

    A state on disk is taken up when this is made; Keras' own callbacks are parts of it.
    """

    def __init__(self, model: Any, run: Run, checks: Sequence[Nuclei], journal: Journal) -> None:
        callbacks = measuring.peer("tensorflow").keras.callbacks
        self._plateau, self._keeper = (
            next(each for each in model.callbacks if isinstance(each, kind))
            for kind in (callbacks.ReduceLROnPlateau, callbacks.ModelCheckpoint)
        )
        self._lambda = callbacks.LambdaCallback
        self._model, self._run, self._checks, self._journal = model, run, checks, journal
        self._network, self._optimiser = model.keras_model, model.keras_model.optimizer
        self._path = run.folder / STATE
        self.steps, self.watch = 0, Stopwatch()
        self._wait, self._best, self._keeper.best = 0, np.inf, np.inf
        if self._path.is_file():
            self._restore()
        self._saved_s = self.watch.spent

    def callback(self) -> Any:
        """Validation at the end of an epoch is outside the budget."""
        return self._lambda(
            on_train_begin=lambda logs: self._began(),
            on_train_batch_end=lambda batch, logs: self._stepped(),
            on_test_begin=lambda logs: self.watch.stop(),
            on_test_end=lambda logs: self.watch.start(),
            on_train_end=lambda logs: self._ended(),
        )

    def _began(self) -> None:
        # The plateau forgets where it was when training begins, and StarDist seeds NumPy anew; a
        # run that goes on must not draw the same batches again.
        self._plateau.wait, self._plateau.best = self._wait, self._best
        np.random.seed([self._run.seed, self.steps])

    def _stepped(self) -> None:
        self.steps += 1
        self.watch.stop()
        if self.watch.spent >= self._run.budget_s:
            self._network.stop_training = True
        elif self._journal.due(self.watch.spent):
            self._save()
            self._journal.judge(
                self.watch.spent, self.steps, lambda: best_so_far(self._model, self._checks)
            )
        elif self.watch.spent - self._saved_s >= SAVE_EVERY_S:
            self._save()
        self.watch.start()

    def _ended(self) -> None:
        self.watch.stop()
        self._save()

    def _save(self) -> None:
        tensors = {f"w{n}": w for n, w in enumerate(self._network.get_weights())}
        tensors |= {f"o{n}": v.numpy() for n, v in enumerate(self._optimiser.variables)}
        plateau = self._plateau
        figures = [self.steps, self.watch.spent, plateau.wait, plateau.best, self._keeper.best]
        fresh = self._path.with_name(f"{self._path.stem}.{os.getpid()}.part.npz")
        np.savez(fresh, figures=np.array(figures, np.float64), **tensors)
        os.replace(fresh, self._path)
        self._saved_s = self.watch.spent

    def _restore(self) -> None:
        with np.load(self._path) as state:
            steps, spent, wait, self._best, self._keeper.best = state["figures"].tolist()
            self.steps, self.watch, self._wait = int(steps), Stopwatch(spent), int(wait)
            self._network.set_weights([state[f"w{n}"] for n in range(len(self._network.weights))])
            self._optimiser.build(self._network.trainable_variables)
            for n, variable in enumerate(self._optimiser.variables):
                variable.assign(state[f"o{n}"])


def best_so_far(model: Any, checks: Sequence[Nuclei]) -> float:
    """The figure of what StarDist would hand over now; of the current weights in an epoch one."""
    current = model.keras_model.get_weights()
    if (model.logdir / BEST).is_file():
        model.load_weights(BEST)
    figure = curve(model, checks)
    model.keras_model.set_weights(current)
    return figure


def curve(model: Any, checks: Sequence[Nuclei]) -> float:
    """AP at IoU 0.5 at the best of the score cut-offs that both contestants are given.

    Suppression is greedy and the better score is drawn on top, so what stands at a higher cut-off
    is what stands at the lowest, less the objects below it.
    """
    seen = {}
    for image in checks:
        labels, about = model.predict_instances(
            normalised(image), prob_thresh=min(CURVE_CUTOFFS), nms_thresh=CURVE_OVERLAP
        )
        seen[image.id] = labels, np.concatenate([[0.0], about["prob"]])

    def above(cutoff: float) -> Draw:
        return lambda image: np.where(
            seen[image.id][1][seen[image.id][0]] >= cutoff, seen[image.id][0], 0
        )

    return max(
        float(precision(counted(checks, above(cutoff), (0.5,)))[0]) for cutoff in CURVE_CUTOFFS
    )


def drawer(model: Any) -> Draw:
    """What StarDist draws at the thresholds that were chosen for the model."""

    def draw(image: Nuclei) -> Labels:
        labels: Labels = model.predict_instances(normalised(image))[0]
        return labels

    return draw


if __name__ == "__main__":
    main()
