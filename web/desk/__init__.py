"""The county's desk as it happens, for coordinators: that nothing waits unseen.

figures    from what is open: how much of it waits, how much of that for too long, by area
board      the same read from the database and put into words
boards     the open pages of the desk, and what is sent to them
now        the page, its stream and its JSON
"""
