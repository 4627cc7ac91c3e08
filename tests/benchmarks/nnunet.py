"""The shipped ``hippocampus`` beside nnU-Net, trained on the same volumes for as long.

    python -m tests.benchmarks.nnunet --data DIR --work FOLDER [--hours H] [--batch N] [--json]

DIR holds volumes (``.nii.gz``) with an ``index.csv``. nnU-Net (Isensee et al., Nature Methods 18,
203, 2021) learns from those of the train split that ours learnt from: the groups that ``train``
sets aside for validation are held back from it too, and it never sees the test split. Planning and
preprocessing are its own (``3d_fullres``); so are network, loss, augmentation and optimiser.

``--hours`` is CPU time of one thread, children included; unsaid, it is what the card of ours names.
It counts batches with their augmentation, which are made in the training process, and the steps;
planning, preprocessing, start and checkpoints are given away. nnU-Net's validation during training
is left out, so that all of the time goes into learning: it only draws a curve and picks a
checkpoint that prediction does not use. Epochs are short, and how many fit into the budget is
fitted again after each, so that the polynomial fall of the learning rate ends where the budget
does. ``--batch`` changes the batch size of the plan, which is made for a GPU.

The test split is predicted without mirroring and with it (nnU-Net's default, eight predictions in
one). Dice is the engine's; a lead is ours minus nnU-Net's, with the gate's 95 % interval by
patient. FOLDER keeps everything: the same command goes on after an interruption, or only prints.

nnU-Net is not in the ``bench`` extra, because it asks for torchvision (by way of timm), which does
not fit every build of PyTorch and is not used here. In an environment with the ``bench`` extra:

    pip install --no-deps nnunetv2 acvl_utils dynamic_network_architectures batchgenerators \\
        batchgeneratorsv2 fft-conv-pytorch blosc2 ndindex connected-components-3d threadpoolctl \\
        unittest2 scikit-learn joblib narwhals pandas seaborn graphviz yacs einops timm
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import shutil
import statistics
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import django
import numpy as np

from tests.benchmarks import measuring
from tests.benchmarks.nnunet_cases import SEED, compare, index_rows, split_as_ours

OURS = "hippocampus"
DATASET_ID = 4
DATASET = "Dataset004_Hippocampus"
CONFIGURATION = "3d_fullres"
PLANS = "nnUNetPlans"
ENDING = ".nii.gz"
WORKERS = "nnUNet_n_proc_DA"
ITERATIONS = 5
"""Steps of one epoch: short, as the learning rate changes and the budget is asked between them."""
SAVE_EVERY = 3
SPENT = "cpu_s"
"""CPU seconds of each epoch, kept among nnU-Net's own curves and so in its checkpoints."""


def main() -> None:
    options = parsed()
    if find_spec("nnunetv2") is None:
        measuring.say("nnU-Net is not here. --help says how to install it.")
        raise SystemExit(2)
    set_up_peer(options.work)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medseg_site.settings")
    django.setup()
    from segmentation.engine.checkpoints import load_network, resolve_network

    network = load_network(resolve_network(OURS))
    hours = options.hours or hours_of(network.card["training"])
    keep_to_one_run(options, hours)
    with contextlib.redirect_stdout(sys.stderr):
        preparation = prepare(options.data, options.work, network.labels, options.batch)
        trainer = trained(options.work, 3600 * hours)
        predicted = {
            mirroring: predict(trainer, options.data, options.work, mirroring)
            for mirroring in (False, True)
        }
        rows, cases, patients = compare(options.data, network, predicted)
    measuring.finish(
        "nnunet",
        f"{measuring.version('nnunetv2')}, {CONFIGURATION}",
        rows,
        options.json,
        data=options.data.name,
        cases=cases,
        patients=patients,
        cpu_minutes=round(60 * hours, 2),
        ours={"network": OURS, "digest": network.card["digest"], **network.card["training"]},
        nnunet={**facts(trainer), **preparation},
    )


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, type=Path, help="folder with index.csv")
    parser.add_argument("--work", required=True, type=Path, help="folder of nnU-Net's files")
    parser.add_argument("--hours", type=float, help="CPU hours; as ours, if unsaid")
    parser.add_argument("--batch", type=int, help="batch size instead of the plan's")
    parser.add_argument("--json", action="store_true", help="print one JSON line last")
    options = parser.parse_args()
    if options.hours is not None and options.hours <= 0:
        parser.error("--hours must be above 0.")
    if options.batch is not None and options.batch < 1:
        parser.error("--batch must be at least 1.")
    if not (options.data / "index.csv").is_file():
        parser.error(f"{options.data} has no index.csv.")
    return options


def set_up_peer(work: Path) -> None:
    """nnU-Net reads these when it is loaded; spawned children inherit them."""
    folders = {name: work.resolve() / name for name in ("raw", "preprocessed", "results")}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    os.environ.update({f"nnUNet_{name}": str(folder) for name, folder in folders.items()})
    os.environ.update({"nnUNet_def_n_proc": "1", WORKERS: "1"})


def hours_of(training: Mapping[str, Any]) -> float:
    """The CPU hours of ours; its card says "cpu, 1 thread" and the minutes."""
    device, _, threads = str(training["device"]).partition(", ")
    if device != "cpu":
        measuring.say(f"Ours was trained on {training['device']}. Give --hours.")
        raise SystemExit(2)
    return float(training["minutes"]) * int(threads.split()[0]) / 60


def keep_to_one_run(options: argparse.Namespace, hours: float) -> None:
    """Note what the work folder is for, or end where it is for something else."""
    run = {"data": str(options.data.resolve()), "hours": hours, "batch": options.batch}
    path = options.work / "run.json"
    if path.exists() and (other := json.loads(path.read_text())) != run:
        measuring.say(f"{options.work} holds another run ({other}). Give another --work.")
        raise SystemExit(2)
    path.write_text(json.dumps(run))


def prepare(data: Path, work: Path, labels: Sequence[str], batch: int | None) -> dict[str, Any]:
    """Bring the train split into nnU-Net's form, plan and preprocess; what of it is to be told."""
    done = work / "prepared.json"
    if done.exists():
        return dict(json.loads(done.read_text()))
    before = cpu_s()
    split = split_as_ours(data, labels)
    write_raw(data, work / "raw" / DATASET, [*split["train"], *split["val"]], labels)
    api = measuring.peer("nnunetv2.experiment_planning.plan_and_preprocess_api")
    api.extract_fingerprints([DATASET_ID], num_processes=1, show_progress_bar=False)
    api.plan_experiments([DATASET_ID])
    own = work / "preprocessed" / DATASET
    plans = json.loads((own / f"{PLANS}.json").read_text())
    if batch is not None:
        plans["configurations"][CONFIGURATION]["batch_size"] = batch
        (own / f"{PLANS}.json").write_text(json.dumps(plans))
    api.preprocess([DATASET_ID], PLANS, (CONFIGURATION,), [1], show_progress_bar=False)
    (own / "splits_final.json").write_text(json.dumps([split]))
    told = {
        "train": len(split["train"]),
        "validation": len(split["val"]),
        "preparation_cpu_s": round(cpu_s() - before, 1),
    }
    done.write_text(json.dumps(told))
    return told


def write_raw(data: Path, own: Path, ids: Sequence[str], labels: Sequence[str]) -> None:
    known = index_rows(data, "train")
    for folder in ("imagesTr", "labelsTr"):
        (own / folder).mkdir(parents=True, exist_ok=True)
    for name in ids:
        shutil.copyfile(data / known[name]["image"], own / "imagesTr" / f"{name}_0000{ENDING}")
        shutil.copyfile(data / known[name]["label"], own / "labelsTr" / f"{name}{ENDING}")
    description = {
        "channel_names": {"0": "MRI"},
        "labels": {"background": 0, **{name: k for k, name in enumerate(labels, start=1)}},
        "numTraining": len(ids),
        "file_ending": ENDING,
    }
    (own / "dataset.json").write_text(json.dumps(description))


def trained(work: Path, budget_s: float) -> Any:
    """nnU-Net's own trainer after the budget; it goes on from what the folder holds."""
    torch = measuring.peer("torch")
    torch.set_num_threads(1)
    # No worker processes: batches are made in this one, where their time is counted.
    os.environ[WORKERS] = "0"
    running = measuring.peer("nnunetv2.run.run_training")
    trainer = running.get_trainer_from_args(
        DATASET, CONFIGURATION, 0, plans_identifier=PLANS, device=torch.device("cpu")
    )
    trainer.num_iterations_per_epoch = ITERATIONS
    curves = trainer.logger.local_logger.my_fantastic_logging
    curves[SPENT] = []
    trainer.initialize()
    final = Path(trainer.output_folder) / "checkpoint_final.pth"
    latest = final.with_name("checkpoint_latest.pth")
    found = next((path for path in (final, latest) if path.exists()), None)
    if found is not None:
        trainer.load_checkpoint(str(found))
        measuring.say(f"Going on from epoch {trainer.current_epoch}.")
    if found != final:
        np.random.seed(SEED + trainer.current_epoch)
        torch.manual_seed(SEED + trainer.current_epoch)
        trainer.on_train_start()
        learn(trainer, budget_s, latest)
        trainer.on_train_end()
    return trainer


def learn(trainer: Any, budget_s: float, latest: Path) -> None:
    costs: list[float] = trainer.logger.get_value(SPENT, None)
    while (epochs := fitted_epochs(costs, budget_s)) > trainer.current_epoch:
        trainer.num_epochs = trainer.lr_scheduler.max_steps = epochs
        before = cpu_s()
        trainer.on_train_epoch_start()
        batches = trainer.dataloader_train
        outputs = [trainer.train_step(next(batches)) for _ in range(ITERATIONS)]
        trainer.on_train_epoch_end(outputs)
        trainer.logger.log(SPENT, cpu_s() - before, trainer.current_epoch)
        costs = trainer.logger.get_value(SPENT, None)
        loss = trainer.logger.get_value("train_losses", -1)
        measuring.say(
            f"epoch {trainer.current_epoch + 1} of {epochs}  loss {loss:.4f}  "
            f"{sum(costs):.0f} of {budget_s:.0f} CPU s"
        )
        if (trainer.current_epoch + 1) % SAVE_EVERY == 0:
            whole = latest.with_suffix(".part")
            trainer.save_checkpoint(str(whole))
            whole.replace(latest)
        trainer.current_epoch += 1


def fitted_epochs(costs: Sequence[float], budget_s: float) -> int:
    """How many epochs in all come nearest to the budget, by the median cost of those so far."""
    if not costs:
        return 1
    return len(costs) + max(0, round((budget_s - sum(costs)) / statistics.median(costs)))


def predict(trainer: Any, data: Path, work: Path, mirroring: bool) -> Path:
    """The test split as nnU-Net sees it: a folder with an index of its own, masks as labels."""
    folder = work.resolve() / ("predicted_mirrored" if mirroring else "predicted")
    rows = sorted(index_rows(data, "test"))
    known = index_rows(data, "test")
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name in rows:
        shutil.copyfile(data / known[name]["image"], folder / "images" / f"{name}{ENDING}")
    made = {name: folder / "labels" / f"{name}{ENDING}" for name in rows}
    todo = [name for name in rows if not made[name].exists()]
    predictor = predictor_of(trainer, mirroring)
    for name in todo:
        # Written elsewhere and moved, so that an interrupted run leaves no half a mask behind.
        part = folder / "part"
        part.mkdir(exist_ok=True)
        predictor.predict_from_files_sequential(
            [[str(folder / "images" / f"{name}{ENDING}")]], [str(part / name)]
        )
        (part / f"{name}{ENDING}").replace(made[name])
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "image", "label", "split"])
        writer.writerows(
            [name, f"images/{name}{ENDING}", f"labels/{name}{ENDING}", "test"] for name in rows
        )
    return folder


def predictor_of(trainer: Any, mirroring: bool) -> Any:
    inference = measuring.peer("nnunetv2.inference.predict_from_raw_data")
    predictor = inference.nnUNetPredictor(
        use_mirroring=mirroring, device=trainer.device, allow_tqdm=False
    )
    trainer.set_deep_supervision_enabled(False)
    trainer.network.eval()
    predictor.manual_initialization(
        trainer.network,
        trainer.plans_manager,
        trainer.configuration_manager,
        [trainer.network.state_dict()],
        trainer.dataset_json,
        type(trainer).__name__,
        trainer.inference_allowed_mirroring_axes,
    )
    return predictor


def facts(trainer: Any) -> dict[str, Any]:
    """How nnU-Net was set and how far it came."""
    plan = trainer.configuration_manager
    costs = trainer.logger.get_value(SPENT, None)
    return {
        "patch_zyx": [int(n) for n in plan.patch_size],
        "batch": int(plan.batch_size),
        "parameters": sum(weights.numel() for weights in trainer.network.parameters()),
        "steps": ITERATIONS * len(costs),
        "seed": SEED,
        "training_cpu_s": round(sum(costs), 1),
        "losses": [
            round(float(loss), 4) for loss in trainer.logger.get_value("train_losses", None)
        ],
    }


def cpu_s() -> float:
    """CPU seconds of this process and of the children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    main()
