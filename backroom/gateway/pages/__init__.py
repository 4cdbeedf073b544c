"""Staff pages: plain HTML from the server, without scripts and without anything from another site."""
