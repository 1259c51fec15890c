"""SEND's front door: attachments, notification requests, and what became of them."""
