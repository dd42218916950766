"""The executor that is judged: found by its address, made as a claim needs it.

An address is ``package.module:factory``, with dots in the factory for what is inside a class.
The factory is called as ``factory(max_workers=n)``; some claims add an argument that the
standard pools have, and do not apply where the factory does not take it.
"""

import concurrent.futures
import importlib
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Executor, Future
from importlib import metadata
from types import ModuleType, SimpleNamespace
from typing import Final, TypeVar, cast

from foregone_conformance import adapters, promises
from foregone_conformance.kinds import BadFactory, Kind, NotApplicable

T = TypeVar("T")
_REFUSED: Final = (
    "unexpected keyword argument",
    "takes no keyword arguments",
    "takes no arguments",
    "positional argument",
)
_OF_THE_KIT: Final = "foregone_conformance"


def load(address: str) -> Callable[..., object]:
    """Return the factory at ``address``; raise BadFactory if there is none.

    ``address``  ``package.module:factory``, or the name of a known executor
    """
    address = adapters.KNOWN[address].address if address in adapters.KNOWN else address
    module, colon, path = address.partition(":")
    if not (module and colon and path):
        raise BadFactory(
            f"{address!r} is no address: write package.module:factory, "
            f"or one of {', '.join(adapters.KNOWN)}"
        )
    try:
        found: object = importlib.import_module(module)
    except Exception as error:
        raise BadFactory(
            f"{module!r} cannot be imported ({type(error).__name__}: {error}): "
            "install it, or run the kit where it can be found"
        ) from error
    for name in path.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            raise BadFactory(
                f"{module!r} has no {path!r}: name what can be called with max_workers"
            ) from None
    if not callable(found):
        raise BadFactory(f"{address!r} is {found!r}: name what can be called with max_workers")
    return found


def is_refusal(error: TypeError) -> bool:
    """Say whether an error is that of a call whose arguments are not taken, and no other one."""
    return any(each in str(error) for each in _REFUSED)


class Judged:
    """An executor under trial: what a check is given."""

    def __init__(self, address: str, kind: Kind, seed: int, place: str) -> None:
        self.address = address
        self.kind = kind
        self.seed = seed
        self.place = place
        self._factory = load(address)
        self._notes = os.path.join(place, "doing")
        self._class: type[Future[int]] | None = None
        self.says = ""  # what its executors say of themselves, once one was made

    def pool(self, workers: int = 2, **others: object) -> Executor:
        """Return a new executor of ``workers`` workers.

        ``others``  arguments that the claim cannot do without
        Raises NotApplicable if the factory does not take them, BadFactory if it is no factory.
        """
        try:
            made = self._factory(max_workers=workers, **others)
        except TypeError as error:
            if others and is_refusal(error):
                names = " and ".join(others)
                raise NotApplicable(f"the factory takes no {names} ({error})") from error
            raise
        if not all(callable(getattr(made, each, None)) for each in ("submit", "shutdown")):
            raise BadFactory(
                f"{self.address!r} made {made!r}, which has no submit or no shutdown: "
                "name a factory of executors"
            )
        self._heard(promises.said_by(made))
        return cast("Executor", made)

    def _heard(self, says: str) -> None:
        """Keep what an executor says of itself, here and for the judge."""
        if says != self.says:
            self.says = says
            with open(os.path.join(self.place, promises.SAYS), "w", encoding="utf-8") as file:
                file.write(says)

    def pool_by(self, start: str, workers: int, **others: object) -> Executor:
        """Return a new executor, its processes started as named if that can be chosen."""
        from multiprocessing import get_context

        return self._pool_in(get_context(start), workers, **others)

    def _pool_in(self, context: object, workers: int, **others: object) -> Executor:
        try:
            return self.pool(workers, mp_context=context, **others)
        except NotApplicable:
            return self.pool(workers, **others)

    def folder(self) -> str:
        """Return a new directory, for the marks of calls; it goes with the trial."""
        return tempfile.mkdtemp(dir=self.place)

    def doing(self, what: str) -> None:
        """Note what is being waited for: if that does not come, the report says so."""
        with open(self._notes, "w", encoding="utf-8") as file:
            file.write(what)

    def future(self) -> "Future[object]":
        """Return a future that no executor owns, of the class that the library has for them.

        Where it has none, or no ``wait`` of its own, of the class that submit returns.
        """
        made = self._future_class()
        library = self.library()
        public: object = getattr(library, "Future", None)
        own = library is not concurrent.futures
        if own and isinstance(public, type) and issubclass(made, public):
            made = cast("type[Future[int]]", public)
        try:
            return cast("Future[object]", made())
        except Exception as error:
            raise NotApplicable(f"{made.__name__} cannot be made by itself: {error}") from error

    def _future_class(self) -> "type[Future[int]]":
        if self._class is None:
            with self.pool(1) as pool:
                self._class = type(pool.submit(int))
        return self._class

    # ------------------------------------------------------------ who waits for it

    def library(self) -> ModuleType:
        """Return where the ``wait`` and ``as_completed`` are that belong to its futures.

        The package of their class, if it has both, else ``concurrent.futures``.
        """
        parts = self._future_class().__module__.split(".")
        for depth in range(1, len(parts) + 1):
            module = sys.modules.get(".".join(parts[:depth]))
            if module is not None and _has(module, "wait", "as_completed", "ALL_COMPLETED"):
                return module
        return concurrent.futures

    def waited(
        self, futures: Collection["Future[T]"], timeout: float | None = None, until: str = ""
    ) -> "tuple[set[Future[T]], set[Future[T]]]":
        """Return what the library's ``wait`` does; ``until`` is one of its three conditions."""
        done, rest = self.library().wait(
            futures, timeout, until or concurrent.futures.ALL_COMPLETED
        )
        return set(done), set(rest)

    def completed(
        self, futures: Collection["Future[T]"], timeout: float | None = None
    ) -> "Iterator[Future[T]]":
        """Return what the library's ``as_completed`` does."""
        found: Iterator[Future[T]] = self.library().as_completed(futures, timeout)
        return found

    def shape(self) -> ModuleType:
        """Return the executor behind the names of ``concurrent.futures``, for the museum."""
        library = self.library()

        def process_pool(max_workers: int, mp_context: object = None, **others: object) -> Executor:
            if mp_context is None:
                return self.pool(max_workers, **others)
            return self._pool_in(mp_context, max_workers, **others)

        names = SimpleNamespace(
            ThreadPoolExecutor=self.pool,
            ProcessPoolExecutor=process_pool,
            Future=self.future,
            InvalidStateError=concurrent.futures.InvalidStateError,
            TimeoutError=concurrent.futures.TimeoutError,
            wait=library.wait,
            as_completed=library.as_completed,
            # any error that says so will do; that it is of the right class is a claim of its own
            process=SimpleNamespace(BrokenProcessPool=Exception),
        )
        return cast("ModuleType", names)


def _has(module: ModuleType, *names: str) -> bool:
    return all(hasattr(module, each) for each in names)


def looked_at(address: str) -> dict[str, str]:
    """Make one executor, and say what it is: its class, package, version, and kind.

    Raises BadFactory if the factory cannot be used, and what the factory raises.
    """
    with tempfile.TemporaryDirectory() as place:
        judged = Judged(address, Kind.THREAD, 0, place)
        pool = judged.pool(1)
        future = pool.submit(os.getpid)
        try:
            here = future.result() == os.getpid()
        except Exception as error:
            raise BadFactory(
                f"the first call of {address!r} failed: {type(error).__name__}: {error}"
            ) from error
        pool.shutdown()
        own = type(pool).__module__
        package = (type(future).__module__ if own.startswith(_OF_THE_KIT) else own).split(".")[0]
        return {
            "class": f"{own}.{type(pool).__qualname__}",
            "future": f"{type(future).__module__}.{type(future).__qualname__}",
            "wait": judged.library().__name__,
            "package": "CPython" if package in sys.stdlib_module_names else package,
            "version": _version(package),
            "says": judged.says,
            "kind": (Kind.THREAD if here else Kind.PROCESS).value,
        }


def _version(package: str) -> str:
    if package in sys.stdlib_module_names:
        return platform.python_version()
    names = metadata.packages_distributions().get(package, [package])
    try:
        return metadata.version(names[0])
    except metadata.PackageNotFoundError:
        module = sys.modules.get(package)
        return str(getattr(module, "__version__", "unknown"))
