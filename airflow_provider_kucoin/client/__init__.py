"""
The only place that opens sockets to KuCoin: ``requests`` for the hook's verbs, ``aiohttp`` for bulk reads.

Both do what :func:`airflow_provider_kucoin.api.calls.call` says; neither decides anything.
"""
