"""The receiver of ShortKit's scheduled exports: checks a delivery, records it, answers.

It never connects anywhere: what it records is downloaded by the next run. See docs/webhook.md.
"""

from connector.webhook.reception import KEYS, SOURCE, Place, Reception, read_reception
from connector.webhook.service import serve

__all__ = ["KEYS", "SOURCE", "Place", "Reception", "read_reception", "serve"]
