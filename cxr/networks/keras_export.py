"""Starts Keras without its messages, and turns its models into OpenVINO's."""

import contextlib
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cxr.common.errors import ModelError
from cxr.common.usage_reports import switch_off


def start_keras() -> None:
    """Import Keras and its backend, and have it find its devices, without their start-up messages."""
    with native_messages_dropped():
        import keras

        keras.ops.zeros(1)  # the first operation looks for devices


@contextlib.contextmanager
def native_messages_dropped() -> Iterator[None]:
    """TensorFlow's libraries write a dozen lines about missing graphics cards to the process' standard error, before
    any setting reaches them. These are dropped. An import that fails still raises."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def export_trunk(trunk: Any, directory: Path) -> None:
    """Write `trunk` as an OpenVINO model, trunk.xml and trunk.bin in `directory`.

    The exported input is uint8[n, size, size, 1], what the pixel store holds and what the service decodes to.
    """
    switch_off()
    import keras
    import openvino as ov
    from openvino.preprocess import PrePostProcessor

    convert = _by_tensorflow if keras.backend.backend() == "tensorflow" else _by_keras
    steps = PrePostProcessor(convert(trunk))
    steps.input().tensor().set_element_type(ov.Type.u8)
    steps.input().preprocess().convert_element_type(ov.Type.f32)
    # Full precision on disk: the precision that it runs in is chosen where it runs.
    ov.save_model(steps.build(), directory / "trunk.xml", compress_to_fp16=False)


def _by_tensorflow(trunk: Any) -> Any:
    import openvino as ov

    image_size = trunk.input_shape[1]
    with warnings.catch_warnings():
        # Keras warns that the converter passes its one input in a tuple.
        warnings.filterwarnings("ignore", message="The structure of `inputs`", category=UserWarning)
        return ov.convert_model(trunk, input=ov.PartialShape([-1, image_size, image_size, 1]))


_EXPORT = (
    "import sys, keras; keras.saving.load_model(sys.argv[1]).export(sys.argv[2], format='openvino', verbose=False)"
)


def _by_keras(trunk: Any) -> Any:
    """OpenVINO's converter takes Keras models on TensorFlow alone, and a machine may have JAX or torch and no
    TensorFlow. Keras can export on its OpenVINO backend, but a process has one backend: so another process does it."""
    import openvino as ov

    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "trunk.keras"
        exported = Path(folder) / "exported.xml"
        trunk.save(saved)
        environment = {**os.environ, "KERAS_BACKEND": "openvino"}
        command = [sys.executable, "-c", _EXPORT, str(saved), str(exported)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise ModelError(
                f"the trunk could not be exported: {_last_line(done.stderr)}; KERAS_BACKEND=tensorflow can"
            )
        # The files are read when the network is: a copy of it stays when the folder goes.
        return ov.Core().read_model(exported.read_bytes(), exported.with_suffix(".bin").read_bytes())


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1]
