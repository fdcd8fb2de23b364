"""Transfers: what an account has at KuCoin, to where it is needed."""
