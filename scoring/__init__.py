"""The domain: what an account is worth and how warm it is.

Nothing here knows HTTP. Data flows one way: request -> features -> fit -> signals -> FIRE -> response;
`scorer.py` reads in that order. `scoring.training` makes what this package serves; nothing here imports it.
"""
