"""Saved searches, which can be repeated to report changes, and the notifications that MAST mails."""
