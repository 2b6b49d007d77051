"""Settings files, one per profile; `pipelines/settings.py` reads them."""
