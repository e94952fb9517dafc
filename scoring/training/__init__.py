"""From a company's book to a fit artifact: the only package that imports scikit-learn and polars.

It imports `scoring` and never `api`; the service never imports it.
"""
