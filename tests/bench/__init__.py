"""How fast boltcli is beside bbolt: ``make bench``."""
