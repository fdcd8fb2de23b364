"""What Airflow's assets and lineage have to know of KuCoin."""
