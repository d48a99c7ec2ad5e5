"""What is known of chips, machines, images, prices and models, with source and date."""

from polysilicon.catalog.catalog import Catalog, Overlay, load_catalog

__all__ = ["Catalog", "Overlay", "load_catalog"]
