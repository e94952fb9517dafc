"""Servers that speak the Redis protocol: one, the master that Sentinels name, or a Cluster, all as one.

It knows keys and commands, and nothing of signals. What is away costs its own keys and no others.
"""
