"""Other systems at the same work, each as its own documentation advises: one module a system."""
