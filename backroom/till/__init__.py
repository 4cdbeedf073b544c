"""The till of a booth: a page on the booth's own machine that sells without network, and tells the shop afterwards."""
