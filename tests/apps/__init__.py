"""The applications: recognition, views, codecs and audits, against real files and naive readers."""
