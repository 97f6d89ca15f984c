"""Makes the documentation: generated parts of pages, terminal pictures, the site. Not shipped; run by ``make docs``."""
