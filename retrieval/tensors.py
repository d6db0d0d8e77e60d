"""Arrays in safetensors files, written without a second copy in memory and read by mapping them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convrec.retrieval.errors import StoreError

_DTYPES: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "U8": np.dtype("u1"),
}
_LONGEST_HEADER = 100_000_000
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


def save_tensors(path: Path, tensors: Mapping[str, NDArray[Any]], about: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file: 8 bytes with the header's length, the header in JSON, the arrays one after another."""
    header: dict[str, Any] = {"__metadata__": dict(about)} if about else {}
    offset = 0
    for name, tensor in tensors.items():
        header[name] = {
            "dtype": _NAMES[tensor.dtype.newbyteorder("<")],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + tensor.nbytes],
        }
        offset += tensor.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 64)
    with path.open("wb") as stream:
        stream.write(len(text).to_bytes(8, "little"))
        stream.write(text)
        for tensor in tensors.values():
            np.ascontiguousarray(tensor).tofile(stream)


def map_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of a safetensors file, mapped read-only: nothing is read before it is used.

    Raises:
        StoreError: the file is missing or damaged.
    """
    try:
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            header = json.loads(stream.read(min(length, _LONGEST_HEADER)))
        header.pop("__metadata__", None)
        return {name: _mapped(path, entry, 8 + length) for name, entry in header.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"The vectors in {path} cannot be read ({error}): build the workspace again.") from error


def _mapped(path: Path, entry: Mapping[str, Any], base: int) -> NDArray[Any]:
    start, end = entry["data_offsets"]
    shape: tuple[int, ...]
    dtype, shape = _DTYPES[entry["dtype"]], tuple(entry["shape"])
    if base + end > path.stat().st_size or end - start != dtype.itemsize * int(np.prod(shape, dtype=np.int64)):
        raise ValueError("an array is cut off")
    if end == start:
        return np.zeros(shape, dtype)
    mapped: NDArray[Any] = np.memmap(path, dtype=dtype, mode="r", offset=base + start, shape=shape)
    return mapped
