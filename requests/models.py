"""The tables of this app live beside what uses them."""

from requests.bundles.models import Bundle, BundleEvent, BundleMachine, BundlePart
from requests.computers.models import ComputerObject, ComputerObjectEvent
from requests.enquiries.models import Enquiry, EnquiryFile, EnquiryFileContent, EnquiryMessage
from requests.faq.models import FaqEntry, FaqVersion
from requests.managed.models import ManagedMachine, ManagedMachineEvent
from requests.networks.models import Allotment, SegmentPool
from requests.outages.models import Confirmer, Outage, OutageEvent, OutagePart
from requests.own_changes.models import OwnChange
from requests.password_settings.models import PasswordLifetime, PasswordLifetimeEvent
from requests.unlock.models import AccountUnlock, UnlockProof
from requests.zones.models import DnsRecord, DnsZone

__all__ = [
    "AccountUnlock",
    "Allotment",
    "Bundle",
    "BundleEvent",
    "BundleMachine",
    "BundlePart",
    "ComputerObject",
    "ComputerObjectEvent",
    "Confirmer",
    "DnsRecord",
    "DnsZone",
    "Enquiry",
    "EnquiryFile",
    "EnquiryFileContent",
    "EnquiryMessage",
    "FaqEntry",
    "FaqVersion",
    "ManagedMachine",
    "ManagedMachineEvent",
    "Outage",
    "OutageEvent",
    "OutagePart",
    "OwnChange",
    "PasswordLifetime",
    "PasswordLifetimeEvent",
    "SegmentPool",
    "UnlockProof",
]
