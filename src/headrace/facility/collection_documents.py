"""Collections as the Transfer service's documents show them."""

from __future__ import annotations

from typing import Any, Final

from headrace.facility.identity import Identity
from headrace.facility.settings import CollectionSettings

# A guest collection wants no consent of its own; nor does a directory here.
ENTITY_TYPE: Final = "GCSv5_guest_collection"


def collection_document(collection: CollectionSettings, identity: Identity) -> dict[str, Any]:
    """Return the ``endpoint`` document of a collection.

    Args:
        collection: the collection.
        identity: whose it is.
    """
    return {
        "DATA_TYPE": "endpoint",
        "id": collection.id,
        "display_name": collection.name,
        "name": collection.name,
        "canonical_name": f"{identity.username}#{collection.name}",
        "username": identity.username,
        "owner_id": identity.id,
        "owner_string": identity.username,
        "entity_type": ENTITY_TYPE,
        "high_assurance": False,
        "authentication_timeout_mins": None,
        "disable_verify": False,
        "default_directory": "/",
        "description": str(collection.root),
        "keywords": None,
        "organization": None,
        "department": None,
        "contact_email": None,
        "info_link": None,
        "public": False,
        "is_globus_connect": False,
        "globus_connect_setup_key": None,
        "gcp_connected": None,
        "gcp_paused": None,
        "host_endpoint_id": None,
        "host_path": None,
        "mapped_collection_id": None,
        "subscription_id": None,
        "https_server": None,
        "tlsftp_server": None,
        "my_effective_roles": ["administrator"],
        "acl_available": True,
        "acl_editable": True,
        "french_english_bilingual": False,
    }
