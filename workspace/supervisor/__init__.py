"""`manage.py up`: one terminal, one command, everything that Whetstone needs to run.

claim.py    one `up` per data folder, and a free port
prepare.py  database, static files, first account: what must be right before the first page (needs Django)
watch.py    the process that stays: starts web, worker and beat, restarts them, stops them (standard library only)
child.py    one of them: its output, its falls, its end
leash.py    runs inside each of them and ends it when the watcher is gone
"""
