"""The routes: each translates between HTTP and one verb of the domain."""
