"""Sensors: waits for what KuCoin takes its time for."""
