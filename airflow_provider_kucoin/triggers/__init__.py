"""Triggers: waits inside the triggerer, natively asynchronous."""
