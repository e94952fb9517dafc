"""The edge: HTTP and the command line. It translates, and `scoring` decides.

The only package that imports FastAPI. Nothing happens at import: `create_app(settings)` assembles.
"""
