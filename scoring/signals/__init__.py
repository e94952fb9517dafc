"""What accounts do: events and levels, as records of an account's log, and what they amount to.

Records depend on no model; weights and half-lives belong to the artifact. Where logs are kept is not known
here: see `scoring.store`.
"""
