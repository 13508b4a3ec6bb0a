"""The DNS zones of the throw-away domain: how one is added, and what the portal's account may do in it."""

from __future__ import annotations

_NODE = "e0fa1e8c-9b45-11d0-afdd-00c04fd930c9"

# Arguments: smb.conf, database, container, the zone to take the beginning from, the new zone. Straight into the database
# before Samba is started: samba-tool needs a running server for it.
ADD_ZONE = """
import sys
import ldb
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB

configuration, database, container, model, zone = sys.argv[1:]
parameters = LoadParm()
parameters.load(configuration)
db = SamDB(url=database, session_info=system_session(), lp=parameters)
like = db.search(f"DC={model},{container}", ldb.SCOPE_BASE, attrs=["dNSProperty"])[0]
apex = db.search(f"DC=@,DC={model},{container}", ldb.SCOPE_BASE, attrs=["dnsRecord"])[0]
db.add({"dn": f"DC={zone},{container}", "objectClass": ["top", "dnsZone"], "dNSProperty": list(like["dNSProperty"])})
servers = [record for record in apex["dnsRecord"] if record[2] in (2, 6)]  # NS and SOA
db.add({"dn": f"DC=@,DC={zone},{container}", "objectClass": ["top", "dnsNode"], "dnsRecord": servers})
"""


def rights(sid: str) -> str:
    """Making, reading and writing names of a zone, as SDDL. Not deleting: a deleted name stays as a tombstone, as AD does it."""
    return f"(OA;CI;CC;{_NODE};;{sid})(OA;CIIO;RPWPLCRC;;{_NODE};{sid})"
