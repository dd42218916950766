"""``foregone.dask`` on real clusters of dask.distributed, which is installed beside."""
