"""The command line, a file per command; each imports what it computes with when it is run, so that help is quick."""
