"""A network on disk: a folder with ``weights.safetensors`` and ``card.json``, nothing executable.

The card says what the network is for and how to use it; its ``digest`` is the SHA-256 of the
weights' file, so that a run can name exactly what made it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from segmentation.engine.errors import InvalidCheckpointError
from segmentation.engine.networks.build import build
from segmentation.engine.types import Task

WEIGHTS = "weights.safetensors"
CARD = "card.json"
SHIPPED = Path(__file__).resolve().parent.parent / "weights"
PICKLES = ("*.pt", "*.pth", "*.ckpt", "*.pkl", "*.bin")
MAX_CARD_BYTES = 1 << 20
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")


@dataclass(frozen=True)
class Network:
    """A loaded network, ready to run: its module is in evaluation mode, on the CPU."""

    task: Task
    labels: tuple[str, ...]
    card: Mapping[str, Any]
    module: nn.Module


def load_network(folder: Path) -> Network:
    """Read a network; raises InvalidCheckpointError with a sentence where anything is wrong."""
    card = load_card(folder)
    weights = folder / WEIGHTS
    if not weights.is_file():
        pickled = sorted(p.name for pattern in PICKLES for p in folder.glob(pattern))
        if pickled:
            raise InvalidCheckpointError(
                f"The network's weights are in {pickled[0]}, a format that can run foreign code "
                f"when it is opened. Convert them to {WEIGHTS} where they were made."
            )
        raise InvalidCheckpointError(f"The network's folder has no {WEIGHTS}.")
    module = build(card["architecture"])
    _fill(module, weights, card["digest"])
    return Network(card["task"], tuple(card["labels"]), card, module.eval())


def load_card(folder: Path) -> dict[str, Any]:
    """Read and check a network's card without its weights."""
    path = folder / CARD
    if not path.is_file():
        raise InvalidCheckpointError(f"There is no network in {folder.name!r}: {CARD} is missing.")
    if path.stat().st_size > MAX_CARD_BYTES:
        raise InvalidCheckpointError(f"The {CARD} of {folder.name!r} is too large to be a card.")
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InvalidCheckpointError(f"The {CARD} of {folder.name!r} is damaged.") from error
    _check_card(card)
    return dict(card)


def _check_card(card: Any) -> None:
    wanted: dict[str, type | tuple[type, ...]] = {
        "name": str,
        "version": str,
        "task": str,
        "labels": list,
        "architecture": dict,
        "recipe": dict,
        "patch_zyx": list,
        "score_cutoff": (int, float),
        "overlap_cutoff": (int, float),
        "digest": str,
    }
    if not isinstance(card, dict):
        raise InvalidCheckpointError("The network's card is not a JSON object.")
    for key, kind in wanted.items():
        if not isinstance(card.get(key), kind):
            raise InvalidCheckpointError(f"The network's card has no valid entry {key!r}.")
    if card["task"] not in get_args(Task):
        raise InvalidCheckpointError(f"The network's card names an unknown task {card['task']!r}.")
    labels = card["labels"]
    if not labels or not all(isinstance(label, str) and label for label in labels):
        raise InvalidCheckpointError("The network's card must name at least one label.")
    patch = card["patch_zyx"]
    if len(patch) != 3 or not all(type(n) is int and 0 < n <= 4096 for n in patch):
        raise InvalidCheckpointError("The network's card has no valid entry 'patch_zyx'.")


def _fill(module: nn.Module, path: Path, digest: str) -> None:
    """Load weights of exactly the module's names, shapes and types."""
    if digest_of(path) != digest:
        raise InvalidCheckpointError(
            "The network's weights are not those its card describes; the file is damaged or was "
            "exchanged. Copy the network again."
        )
    try:
        stored = load_file(path)
    except (SafetensorError, OSError) as error:
        raise InvalidCheckpointError(f"The network's {WEIGHTS} cannot be read.") from error
    wanted = module.state_dict()
    fits = stored.keys() == wanted.keys() and all(
        stored[name].shape == tensor.shape for name, tensor in wanted.items()
    )
    if not fits:
        raise InvalidCheckpointError(
            "The network's weights do not fit the architecture its card names."
        )
    if not all(torch.isfinite(tensor).all() for tensor in stored.values()):
        raise InvalidCheckpointError("The network's weights hold values that are not numbers.")
    module.load_state_dict(stored)


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_network(folder: Path, module: nn.Module, card: Mapping[str, Any]) -> Network:
    """Write a network so that the folder is either complete or not there, and read it back.

    An existing network in that folder is replaced. Other files in it (README.md) stay.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = folder.parent / f".{folder.name}.{uuid.uuid4().hex}"
    fresh.mkdir()
    try:
        tensors = {name: _plain(tensor) for name, tensor in module.state_dict().items()}
        save_file(tensors, fresh / WEIGHTS)
        written = {**card, "digest": digest_of(fresh / WEIGHTS)}
        (fresh / CARD).write_text(
            json.dumps(written, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        load_network(fresh)
        for name in (WEIGHTS, CARD):
            _to_disk(fresh / name)
        _put(fresh, folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return load_network(folder)


def _put(fresh: Path, folder: Path) -> None:
    """Rename the whole folder where that is possible, else its files, the card last."""
    if not folder.exists():
        fresh.rename(folder)
        return
    for name in (WEIGHTS, CARD):
        os.replace(fresh / name, folder / name)


def _plain(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu").contiguous().clone()


def _to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def resolve_network(name: str, folders: Sequence[Path] = ()) -> Path:
    """Find a network's folder by ``NAME``, ``NAME@VERSION`` or a path.

    Searched in ``folders`` in order, then among the shipped ones. Within a folder a network lies
    in ``NAME`` or ``NAME@VERSION``; its card's name and version decide. A plain name takes the
    first that is found. Raises InvalidCheckpointError naming what there is.
    """
    path = Path(name)
    if (path / CARD).is_file():
        return path
    wanted, _, version = name.partition("@")
    available = []
    for folder in [*folders, SHIPPED]:
        for candidate in sorted(folder.glob("*/" + CARD)):
            card = load_card(candidate.parent)
            if card["name"] == wanted and version in ("", card["version"]):
                return candidate.parent
            available.append(f"{card['name']}@{card['version']}")
    known = f" There are: {', '.join(available)}." if available else ""
    raise InvalidCheckpointError(
        f"There is no network {name!r}, neither by name nor as a folder.{known}"
    )


def check_name(name: str, version: str) -> None:
    """Refuse a name or version that could not stand in a path or after an ``@``."""
    if not NAME.fullmatch(name) or not VERSION.fullmatch(version):
        raise InvalidCheckpointError(
            f"{name}@{version} is no valid name for a network. Use small letters, digits, '-' and "
            "'_' for the name, and letters, digits, '.', '-' and '_' for the version."
        )
