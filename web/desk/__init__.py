"""The county's desk as it happens, for coordinators: that nothing waits unseen.

figures    from what is open: how much of it waits, how much of that for too long, by area
board      the same read from the database and put into words
silent     from what is not heard: which homes are silent, out, explained or heard, by area
places     areas as circles that do not cover one another: a map without a map
duty       from shifts to who is on duty now, who is next, and when nobody is
home_board, duty_board    these read from the database and put into words
boards     the open pages of the desk, and what is sent to them
now, homes, rota    the pages, their streams and their JSON
rota_forms    the rota changed, on record
"""
