"""One cluster for all tests that kill nothing, and an executor on it in either mode."""

from collections.abc import Iterator

import pytest

from foregone.dask import DaskExecutor
from model_tests.dask.clusters import Foreign, local


@pytest.fixture(scope="session")
def client() -> Iterator[Foreign]:
    """Yield the client of a cluster with two workers, one call at a time in each."""
    with local(2) as made:
        yield made


@pytest.fixture(params=["once", "again"])
def executor(request: pytest.FixtureRequest, client: Foreign) -> Iterator[DaskExecutor]:
    """Yield an executor, in either mode."""
    with DaskExecutor(client, at_most_once=request.param == "once") as made:
        yield made


@pytest.fixture
def once(client: Foreign) -> Iterator[DaskExecutor]:
    """Yield an executor whose calls run at most once."""
    with DaskExecutor(client, at_most_once=True) as made:
        yield made
