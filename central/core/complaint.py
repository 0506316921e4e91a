"""stub"""

ACCEPT_DAYS = 5
