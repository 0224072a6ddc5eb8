"""The composition root: what a start checks, which engine a URL names, start and stop order."""
