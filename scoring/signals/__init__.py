"""What accounts do: events and levels, kept in a log per account, and what they amount to.

The log depends on no model; weights and half-lives belong to the artifact.
"""
