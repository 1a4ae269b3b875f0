"""The hosts a model may be asked at: those the operator names, at addresses that are what they seem.

The setting `model_hosts` lists names (`models.example.org`, `models.example.org:5000`), addresses and networks
(`10.2.0.0/16`). A name without a port stands for the usual port of its scheme. A name that leads to a private address
is refused unless that address or its network is listed beside it: whoever answers for a name cannot point it inside.
"""

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from analysis.core.errors import BadRequest
from analysis.core.settings import setting

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
PORTS = {"http": 80, "https": 443}
TEXT = re.compile(r"[!-~]{1,2000}")  # visible ASCII, no spaces
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
LOCAL = "localhost"
HOW = "an operator allows hosts by the setting model_hosts (the environment variable ASSAY_MODEL_HOSTS)"


@dataclass(frozen=True)
class Place:
    """Where a model answers. path begins with a slash."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port as they are written; the port only where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def text(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"

    def beside(self, path: str) -> "Place":
        return Place(self.scheme, self.host, self.port, path)


def place(text: str) -> Place:
    """A place from its URL; BadRequest for what is none, or holds what must not be kept: a user, a password, a query.

    >>> place("https://Models.example.org/invocations").text
    'https://models.example.org/invocations'
    """
    if not TEXT.fullmatch(text) or "\\" in text:
        raise BadRequest("An endpoint's address is a URL of visible ASCII characters, as https://host:port/path.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise BadRequest("An endpoint's address is a URL, as https://host:port/path.") from error
    if parts.scheme not in PORTS or not parts.hostname or port == 0:
        raise BadRequest("An endpoint's address begins with https:// or http:// and a host.")
    if "@" in parts.netloc:
        raise BadRequest("Leave user and password out of the address; give a header by --header-env NAME=VARIABLE.")
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise BadRequest(
            "Leave what follows ? or # out of the address: it would be kept and shown, and may hold a secret. "
            "Give a header by --header-env NAME=VARIABLE."
        )
    return Place(parts.scheme, parts.hostname.lower().rstrip("."), port or PORTS[parts.scheme], parts.path or "/")


def listed() -> list[str]:
    """What the operator allows, as written."""
    return [each.strip().lower() for each in str(setting("model_hosts")).split(",") if each.strip()]


def allow(at: Place) -> None:
    """BadRequest unless the operator names this host with this port."""
    known = listed()
    if not known:
        raise BadRequest(f"No host may be asked for a model's answers; {HOW}.")
    usual = at.port == PORTS[at.scheme]
    host = f"[{at.host}]" if ":" in at.host else at.host
    if f"{host}:{at.port}" not in known and not (usual and {host, at.host} & set(known)):
        raise BadRequest(f"'{at.authority}' is not among the hosts that may be asked; {HOW}.")


def addresses(at: Place) -> list[str]:
    """The addresses of an allowed place, each of them checked; BadRequest where one is not what may be asked.

    OSError where the name leads nowhere.
    """
    allow(at)
    found = socket.getaddrinfo(at.host, at.port, type=socket.SOCK_STREAM)
    made = list(dict.fromkeys(str(each[4][0]) for each in found))
    for each in made:
        _inside(at, _plain(each))
    return made


def _plain(text: str) -> Address:
    """The address that is meant: of an IPv6 address that stands for an IPv4 one (mapped, NAT64, 6to4), that one."""
    made = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(made, ipaddress.IPv6Address):
        translated = ipaddress.IPv4Address(int(made) & 0xFFFFFFFF) if made in NAT64 else None
        return made.ipv4_mapped or translated or made.sixtofour or made
    return made


def _inside(at: Place, address: Address) -> None:
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        raise BadRequest(f"'{at.host}' leads to {address}, an address no model answers at; it was not asked.")
    if address.is_global or (at.host == LOCAL and address.is_loopback):
        return
    if not any(address in network for network in _networks()):
        raise BadRequest(
            f"'{at.host}' leads to {address}, which is no public address, so it was not asked. Where that is meant, an "
            "operator adds the address or its network to the setting model_hosts beside the name."
        )


def _networks() -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    made = []
    for each in listed():
        text = re.sub(r"^\[(.*)\](:\d+)?$|^(\d+\.\d+\.\d+\.\d+):\d+$", lambda found: found[1] or found[3], each)
        try:
            made.append(ipaddress.ip_network(text))
        except ValueError:  # a name
            continue
    return made
