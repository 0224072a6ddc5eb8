"""The history over MongoDB: documents that are only added."""

from citychat.adapters.mongo.connection import Mongo
from citychat.adapters.mongo.history import MongoHistory

__all__ = ["Mongo", "MongoHistory"]
