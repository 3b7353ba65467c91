"""The keys of the connection string: Microsoft's driver ignores one it does not know, and all but the first of a key.

An unknown key is not shown: where a password is not in braces it may be a part of one.
"""

from collections import Counter
from difflib import get_close_matches

from cpg1_assets.doctor.finding import Finding, Group, listed
from cpg1_assets.sources.connection_string import ConnectionString
from cpg1_assets.sources.driver import is_microsofts

_KNOWN = (
    "Addr", "Address", "AnsiNPW", "APP", "ApplicationIntent", "AttachDBFileName", "Authentication", "AutoTranslate",
    "ClientCertificate", "ClientKey", "ColumnEncryption", "ConcatNullYieldsNull", "ConnectRetryCount",
    "ConnectRetryInterval", "ConnectTimeout", "Database", "Description", "Driver", "DSN", "Encrypt", "FailoverPartner",
    "Failover_Partner", "FailoverPartnerSPN", "FileDSN", "GetDataExtensions", "HostNameInCertificate",
    "IpAddressPreference", "KeepAlive", "KeepAliveInterval", "KeystoreAuthentication", "KeystoreLocation",
    "KeystorePrincipalId", "KeystoreSecret", "Language", "LongAsMax", "MARS_Connection", "MultiSubnetFailover", "Net",
    "Network", "PacketSize", "PWD", "QueryLog_On", "QueryLogFile", "QueryLogTime", "QuotedId", "Regional",
    "Replication", "RetryExec", "SaveFile", "Server", "ServerCertificate", "ServerSPN", "StatsLog_On", "StatsLogFile",
    "TransparentNetworkIPResolution", "Trusted_Connection", "TrustServerCertificate", "UID", "UseFMTONLY",
    "VectorTypeSupport", "WSID",
)  # fmt: skip
"""As Microsoft documents them for its driver up to 18.7."""
_MEANT = {
    "user": "UID", "user id": "UID", "username": "UID", "password": "PWD", "initial catalog": "Database",
    "host": "Server", "servername": "Server", "data source": "Server", "integrated security": "Trusted_Connection",
    "connection timeout": "ConnectTimeout", "application name": "APP",
}  # fmt: skip
"""Keys of other drivers and libraries."""


def check_keywords(group: Group, given: ConnectionString) -> list[Finding]:
    """Look for keys that the driver ignores; of another driver than Microsoft's nothing is known here."""
    if not is_microsofts(given.get("driver")):
        return []
    known = {name.lower(): name for name in _KNOWN}
    ignored, lost = [], []
    for place, (key, _) in enumerate(given.pairs, start=1):
        if key.lower() in known:
            continue
        like = get_close_matches(key.lower(), known, n=1, cutoff=0.75)
        meant = _MEANT.get(key.lower()) or (known[like[0]] if like else None)
        ignored.append(f"the key of part {place}" + (f" (is it {meant}?)" if meant else ""))
    for key, times in Counter(key.lower() for key, _ in given.pairs).items():
        if times > 1 and key in known:
            lost.append(known[key])
    findings = []
    if ignored:
        findings.append(
            group.look(
                "connection string",
                f"Microsoft's driver does not know, and ignores without a word: {listed(ignored)}",
                "Correct it in DB_CONNECTION_STRING or take it out. A value with a semicolon in it belongs in braces.",
            )
        )
    if lost:
        findings.append(
            group.look(
                "connection string",
                f"given more than once, and the driver takes the first: {listed(lost)}",
                "Leave one of each in DB_CONNECTION_STRING.",
            )
        )
    return findings or [
        group.fine("connection string", "Microsoft's driver knows every key, and each is there once")
    ]
