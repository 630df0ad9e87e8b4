"""Intel's MKL through ctypes: the vector functions and the random streams of the package ``mkl``, on one thread."""

from __future__ import annotations

import ctypes
import functools
import importlib.metadata
import re
from collections.abc import Callable
from ctypes import c_double, c_float, c_int, c_int64, c_uint, c_void_p
from typing import Any

import numpy as np

# Names and numbers of mkl_vml_defines.h, mkl_vsl_defines.h and mkl_service.h.
MODES = {"HA": 2, "LA": 1, "EP": 3}  # high accuracy, low accuracy, "enhanced performance": half of the digits
_IGNORE_ERRORS = 0x100  # poles and domain errors give inf and NaN, as elsewhere, without a callback
_STREAMS = {"SFMT": 13 << 20, "ARS5": 15 << 20, "Philox": 16 << 20}
_METHODS = {"ICDF": 2, "BoxMuller2": 1}
_SEQUENTIAL, _LP64 = 1, 0
_LIBRARY = re.compile(r"(libmkl_rt\.so(\.\d+)?|libmkl_rt(\.\d+)?\.dylib|mkl_rt(\.\d+)?\.dll)$")


@functools.cache
def library() -> ctypes.CDLL | None:
    """Return the loaded library, set to one thread, or None where the package is not installed.

    The package's own list of files says where it lies: pip puts it into lib/ or Library/bin/ of the environment, under
    names that differ between versions. Environment variables are not needed, and not left behind. Tried on Linux.
    """
    try:
        files = importlib.metadata.files("mkl") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    paths = [file.locate() for file in files if _LIBRARY.search(file.name)]
    if not paths:
        raise FileNotFoundError("The package 'mkl' is installed, but libmkl_rt is not among its files.")
    found = ctypes.CDLL(str(paths[0]))
    # Before any other call: the layers cannot be changed afterwards. Lower-case names are those of Fortran.
    layers = found.MKL_Set_Threading_Layer(c_int(_SEQUENTIAL)), found.MKL_Set_Interface_Layer(c_int(_LP64))
    found.MKL_Set_Num_Threads(c_int(1))
    if layers != (_SEQUENTIAL, _LP64) or found.MKL_Get_Max_Threads() != 1:
        raise RuntimeError("MKL was in use already, with other layers: it must be on one thread, with int of 32 bits.")
    return found


def version() -> str:
    """Return the library's own words about itself, with the instruction set that it uses here."""
    text = ctypes.create_string_buffer(256)
    _need().MKL_Get_Version_String(text, c_int(256))
    return text.value.decode().strip()


def _need() -> ctypes.CDLL:
    found = library()
    if found is None:
        raise ModuleNotFoundError("The package 'mkl' is not installed: pip install --group bench")
    return found


def bind(name: str, x: np.ndarray, out: np.ndarray, mode: str = "HA") -> Callable[[], object]:
    """Return a call of the vector function ``vmd<name>``, say ``CdfNormInv``, from ``x`` to ``out`` (float64)."""
    assert x.dtype == out.dtype == np.float64 and x.size == out.size and x.flags.c_contiguous and out.flags.c_contiguous
    arguments = (c_int(x.size), c_void_p(x.ctypes.data), c_void_p(out.ctypes.data))
    function, flags = getattr(_need(), f"vmd{name}"), c_int64(MODES[mode] | _IGNORE_ERRORS)

    def call(kept: object = (x, out)) -> None:  # the addresses are good as long as the arrays live
        function(*arguments, flags)

    return call


def normals(stream: str, out: np.ndarray, method: str = "ICDF", seed: int = 1) -> Callable[[], object]:
    """Return a call that fills ``out`` (float32 or float64) with the next standard normals of a new stream."""
    lib, state = _need(), c_void_p()
    status = lib.vslNewStream(ctypes.byref(state), c_int(_STREAMS[stream]), c_uint(seed))
    assert status == 0, f"vslNewStream returned {status}"
    number: Any = c_double if out.dtype == np.float64 else c_float
    function = lib.vdRngGaussian if out.dtype == np.float64 else lib.vsRngGaussian
    assert out.flags.c_contiguous

    def call() -> None:
        pointer = c_void_p(out.ctypes.data)
        status = function(c_int(_METHODS[method]), state, c_int(out.size), pointer, number(0), number(1))
        assert status == 0, f"{function.__name__} returned {status}"

    return call
