"""The documentation: pages in Markdown, and the package that makes what is generated of them."""
