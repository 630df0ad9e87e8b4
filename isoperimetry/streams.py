"""Random streams named by a seed and a path, and Gaussian noise made from them by sample index.

There is no state and nothing global: the noise of a sample is a function of (stream, index), so the same stream gives
the same bits on any machine, whatever the number of threads, the size of the blocks or their order.
"""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from isoperimetry import _noise, _validate

Floats = TypeVar("Floats", NDArray[np.float32], NDArray[np.float64])


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A source of independent noise: a seed, and the path of names by which it was split off.

    Attributes
    ----------
    seed : int
        Any integer >= 0, of any size.
    path : tuple of str and int
        Names from the root to here; ``1`` and ``"1"`` are different names.

    Examples
    --------
    >>> stream = Stream(seed=5).split("count", 3)
    >>> stream
    Stream(seed=5, path=('count', 3))
    >>> stream == Stream(seed=5).split("count").split(3)
    True
    """

    seed: int
    path: tuple[str | int, ...] = ()

    def __post_init__(self) -> None:
        seed = _noise.as_integer("seed", self.seed, "an integer >= 0")
        if seed < 0:
            raise ValueError(f"seed={seed} must be >= 0: any integer from 0 up is a seed.")
        what = "a str or an int: these are the names that the key is made of"
        path = (name if type(name) is str else _noise.as_integer("name", name, what) for name in self.path)
        object.__setattr__(self, "seed", seed)
        object.__setattr__(self, "path", tuple(path))

    @property
    def key(self) -> int:
        """The key of the generator, in [0, 2**64): a BLAKE2b hash of the seed and the path.

        Hashed are, one after the other, the seed and the names, each as its type ("i" or "s"), its length in bytes in
        64 bits, and its bytes (UTF-8; an integer in two's complement), numbers with the low byte first. Two streams
        share a key with probability 2**-64.
        """
        digest = hashlib.blake2b(digest_size=8, person=b"isoperimetry")
        for name in (self.seed, *self.path):
            if isinstance(name, str):
                kind, body = b"s", name.encode("utf-8", "surrogatepass")
            else:
                kind, body = b"i", name.to_bytes(name.bit_length() // 8 + 1, "little", signed=True)
            digest.update(kind + len(body).to_bytes(8, "little") + body)
        return int.from_bytes(digest.digest(), "little")

    def split(self, *names: str | int) -> Stream:
        """Return the stream of these names under this one, independent of it and of those of other names.

        Parameters
        ----------
        *names : str or int
            At least one; ``split(a, b)`` is ``split(a).split(b)``.
        """
        if not names:
            raise ValueError("names=() must hold at least one name: without one it would be the same noise again.")
        return Stream(seed=self.seed, path=(*self.path, *names))

    def to_dict(self) -> dict[str, Any]:
        """Return ``{"seed": int, "path": list}``; ``Stream(**record)`` makes the stream again."""
        return {"seed": self.seed, "path": list(self.path)}


RandomLike = int | np.integer[Any] | np.random.SeedSequence | np.random.Generator | Stream | None


def as_stream(rng: RandomLike = None) -> Stream:
    """Return the stream that an ``rng=`` argument stands for.

    Parameters
    ----------
    rng : None, int, numpy.random.SeedSequence, numpy.random.Generator or Stream
        None takes a fresh seed of 64 bits from the system (it is in the stream, so that the run can be repeated); an
        int >= 0 is the seed; of a SeedSequence 64 bits of state become the seed, the same each time; a Generator draws
        a seed of 64 bits, and moves on; a Stream is returned as it is.

    Returns
    -------
    Stream
        Equal integers, SeedSequences and states of a Generator give equal streams.

    Raises
    ------
    TypeError
        If ``rng`` is anything else, a bool or a float among them.
    ValueError
        If it is a negative integer.

    Examples
    --------
    >>> as_stream(7)
    Stream(seed=7, path=())
    >>> as_stream(as_stream(7).split("start")).path
    ('start',)
    """
    if isinstance(rng, Stream):
        return rng
    if rng is None:
        return Stream(seed=secrets.randbits(64))
    if isinstance(rng, np.random.SeedSequence):
        return Stream(seed=int(rng.generate_state(1, np.uint64)[0]))
    if isinstance(rng, np.random.Generator):
        return Stream(seed=int(rng.integers(2**64, dtype=np.uint64)))
    if isinstance(rng, int | np.integer) and not isinstance(rng, bool):
        if rng < 0:
            raise ValueError(f"rng={int(rng)} must be >= 0: any integer from 0 up is a seed.")
        return Stream(seed=int(rng))
    raise TypeError(
        f"rng={rng!r} must be None, an int >= 0, a numpy SeedSequence, a numpy Generator or a Stream: "
        "pass an int to repeat a run."
    )


def add_noise(
    center: ArrayLike,
    sigma: float,
    *,
    stream: Stream,
    first: int = 0,
    out: Floats,
    n_threads: int | None = None,
) -> Floats:
    """Write ``center + sigma * z`` into the rows of ``out``, z being standard normal noise of the stream.

    Row i takes the noise of the sample ``first + i``, whatever else is asked for: 100 rows are the same bits as twice
    50. The noise is never stored beside ``out``. For what the normals are made of, and where their tails end (8.57
    sigma in float64, 6.76 in float32), see `isoperimetry.kernels.philox`; float32 and float64 are different noise.

    Parameters
    ----------
    center : array, shape (dim,)
        Real numbers, rounded to the type of ``out``.
    sigma : float
        Scale of the noise, finite and >= 0, in the unit of ``center``, rounded to the type of ``out``.
    stream : Stream
        See `as_stream`.
    first : int
        Index of the first sample; ``first + n`` is at most 2**64.
    out : array of float32 or float64, shape (n, dim), C-contiguous
        Receives the result, each entry rounded once. A 2-d view of an image batch is ``batch.reshape(n, -1)``.
    n_threads : int, optional
        Threads to use; by default one, and from 2**21 numbers on as many as Numba would (the variable
        NUMBA_NUM_THREADS, else the cores). It does not change a bit of the result.

    Returns
    -------
    array, shape (n, dim)
        ``out``.

    Raises
    ------
    TypeError
        If ``stream`` is no Stream, or ``out`` or ``center`` is no array of the types above.
    ValueError
        If the shapes do not fit, or ``sigma``, ``first`` or ``n_threads`` is outside its range.

    Examples
    --------
    >>> import numpy as np
    >>> center = [0.0, 1.0, 2.0]
    >>> batch = add_noise(center, 0.1, stream=Stream(seed=5), first=40, out=np.empty((2, 3)))
    >>> alone = add_noise(center, 0.1, stream=Stream(seed=5), first=41, out=np.empty((1, 3)))
    >>> bool((batch[1] == alone[0]).all())
    True
    """
    n, dim = _check_out(out)
    middle = np.asarray(center)
    if middle.dtype not in (np.float32, np.float64):
        middle = _validate.as_float("center", center)
    if middle.dtype != out.dtype or not middle.flags.carray:
        middle = np.require(middle, out.dtype, ["C", "A", "W"])
    if middle.shape != (dim,):
        raise ValueError(f"center has shape {middle.shape} but out has shape {out.shape}: center must be ({dim},).")
    if np.may_share_memory(middle, out):
        middle = middle.copy()
    scale = _check_sigma(sigma, out.dtype)
    _check_stream(stream)
    start, n_threads = _noise.as_first("first", first, n), _noise.as_threads(n_threads)
    _noise.fill(out, middle, scale, stream.key, start, n_threads)
    return out


def standard_normals(
    n: int, dim: int, *, stream: Stream, first: int = 0, dtype: DTypeLike = np.float64, n_threads: int | None = None
) -> NDArray[Any]:
    """Return the standard normal noise of ``n`` samples: row i is that of the sample ``first + i``.

    Parameters
    ----------
    n, dim : int
        Samples and coordinates, >= 0.
    stream : Stream
        See `as_stream`.
    first : int
        Index of the first sample; ``first + n`` is at most 2**64.
    dtype : float32 or float64
        The two types are different noise, neither being the other one rounded.
    n_threads : int, optional
        As in `add_noise`.

    Returns
    -------
    array of ``dtype``, shape (n, dim)
        The first coordinates of a sample do not depend on ``dim``.

    Raises
    ------
    TypeError, ValueError
        As in `add_noise`.

    Examples
    --------
    >>> z = standard_normals(3, 4, stream=Stream(seed=5))
    >>> bool((z[1:, :2] == standard_normals(2, 2, stream=Stream(seed=5), first=1)).all())
    True
    """
    n, dim = _validate.as_count("n", n), _validate.as_count("dim", dim)
    kind = _noise.as_dtype(dtype)
    _check_stream(stream)
    start, n_threads = _noise.as_first("first", first, n), _noise.as_threads(n_threads)
    return _noise.standard(n, dim, kind, stream.key, start, n_threads)


def _check_stream(stream: Any) -> None:
    if not isinstance(stream, Stream):
        raise TypeError(f"stream={stream!r} must be a Stream: make one with as_stream(rng).")


def _check_out(out: Any) -> tuple[int, int]:
    if not isinstance(out, np.ndarray) or out.dtype.type not in (np.float32, np.float64) or not out.dtype.isnative:
        kind = f"dtype {out.dtype}" if isinstance(out, np.ndarray) else type(out).__name__
        raise TypeError(f"out is {kind} but must be a numpy array of float32 or float64: it receives the result.")
    if out.ndim != 2:
        raise ValueError(f"out has shape {out.shape} but must be (n, dim): use out.reshape(n, -1) for image batches.")
    if not (out.flags.c_contiguous and out.flags.aligned and out.flags.writeable):
        raise ValueError("out must be C-contiguous, aligned and writeable: make it with np.empty((n, dim)).")
    n, dim = out.shape
    return n, dim


def _check_sigma(sigma: Any, dtype: np.dtype[Any]) -> Any:
    if type(sigma) is float and 1e-30 <= sigma <= 1e30:  # as a rule; what follows takes as long as a thousand normals
        return dtype.type(sigma)
    value = _validate.as_nonnegative("sigma", sigma, "the scale of the noise")
    if value.ndim or not np.isfinite(value):
        raise ValueError(f"sigma={sigma!r} must be one finite number >= 0: it is the scale of the noise.")
    with np.errstate(over="ignore", under="ignore"):
        scale = dtype.type(value)
    if not np.isfinite(scale) or (scale == 0) != (value == 0):
        raise ValueError(f"sigma={sigma!r} must be within the range of {dtype}: use out of float64.")
    return scale
