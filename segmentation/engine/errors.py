"""What can go wrong in the engine. The message is for a person: what is wrong and what to do."""

from __future__ import annotations


class EngineError(Exception):
    """Base of the engine's failures; ``code`` is stable and safe to show to a program."""

    code = "engine_error"


class InvalidArrayError(EngineError):
    """An array's shape, type or range is not what the function needs."""

    code = "invalid_array"


class InvalidRecipeError(EngineError):
    """A preprocessing recipe names an unknown step or a value outside its range."""

    code = "invalid_recipe"


class InvalidCheckpointError(EngineError):
    """A network's folder is incomplete, damaged or of another kind."""

    code = "invalid_checkpoint"


class UnsuitableImageError(EngineError):
    """The network was not made for images like this one."""

    code = "unsuitable_image"


class InvalidTrainingSetError(EngineError):
    """The images and masks given for training cannot be trained on."""

    code = "invalid_training_set"


class CancelledError(EngineError):
    """The caller asked the engine to stop; nothing is wrong."""

    code = "cancelled"


class PausedError(EngineError):
    """The caller asked training to pause; its state is on disk and it can go on from there."""

    code = "paused"


class UnavailableDeviceError(EngineError):
    """The device asked for is not there."""

    code = "unavailable_device"
