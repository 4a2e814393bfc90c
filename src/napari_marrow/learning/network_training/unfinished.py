"""Keep what trainings need to go on until what they are for is written. Light to import."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from napari_marrow.data.cache import forget

_trained: ContextVar[list[Sequence[str]] | None] = ContextVar("trained", default=None)


@contextmanager
def kept_until_written() -> Iterator[None]:
    """Keep the networks that are trained in the block, and forget them when it has ended well.

    A block that is stopped, or fails, leaves them: the same training takes them up again. So an
    ensemble does not train its first networks twice, and an export that fails loses nothing.
    """
    trained: list[Sequence[str]] = []
    token = _trained.set(trained)
    try:
        yield
    finally:
        _trained.reset(token)
    for parts in trained:
        forget(parts)


def has_trained(parts: Sequence[str]) -> None:
    """Report that a training has ended, by the parts that :func:`.remember` has its state under."""
    trained = _trained.get()
    if trained is None:
        forget(parts)
    else:
        trained.append(parts)
