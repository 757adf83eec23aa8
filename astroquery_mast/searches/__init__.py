"""Searches that are saved, run again, and tell what has changed; and the notifications that MAST mails."""
