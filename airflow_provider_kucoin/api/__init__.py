"""
What KuCoin is, said once and without I/O: tables and pure functions.

Nothing in here opens a socket, reads a clock or knows Airflow; the transports in ``client`` and the file formats in
``lake`` are built on it. Facts carry their source where they stand. KuCoin's documentation is silent on a number of
points; those are marked UNVERIFIED, and the code beside them is right under every reading.
"""
