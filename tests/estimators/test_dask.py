"""A real Dask cluster: the same bits as alone, also after one of its workers was killed while it worked."""

from __future__ import annotations

import os
import signal
import threading
import time

import numpy as np
import pytest

from isoperimetry.estimators import CrudeMonteCarlo, Membership, volume

distributed = pytest.importorskip("distributed")
pytestmark = [pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL"), pytest.mark.filterwarnings("ignore")]

LENGTH = 8.0


def slow_shell(x):
    time.sleep(0.03)
    return np.linalg.norm(x, axis=1) > LENGTH


@pytest.fixture(scope="module")
def client():
    import dask

    with dask.config.set({"distributed.admin.log-format": "%(message)s", "logging.distributed": "critical"}):
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client


def run(**options):
    error_set = Membership(slow_shell, dim=50, batch=250)
    return volume(error_set, method=CrudeMonteCarlo(block_size=500), n_samples=20_000, rng=5, **options)


def test_a_cluster_that_loses_a_worker_gives_the_same_bits(client):
    alone = run()
    with client.get_executor() as executor:
        assert run(executor=executor) == alone

    victim = next(iter(client.run(os.getpid).values()))
    killed = threading.Event()

    def kill():
        time.sleep(0.4)
        os.kill(victim, signal.SIGKILL)
        killed.set()

    thread = threading.Thread(target=kill)
    thread.start()
    with client.get_executor(retries=3) as executor:
        survived = run(executor=executor)
    thread.join()
    assert killed.is_set() and survived.seconds > 0.4  # it was killed while the run went on
    assert survived == alone
