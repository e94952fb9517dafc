"""What is kept of accounts in the store: their signals, who belongs to whom, what they were scored with.

It knows no model: what signals mean is for `scoring.signals`, and where the store is for `scoring.servers`.
"""
