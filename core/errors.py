"""The one error tree. Libraries' errors are translated into it at the edges.

Every message is one clear sentence for a person: what happened, what it means, what to do.
The command line prints it and ends with `exit_status`; the web answers with `http_status`.

    SaimiError
    ├── UserError            the caller's mistake: wrong argument, bad file
    │   ├── SettingsError    an environment variable is missing or wrong
    │   ├── RegistryError    a registry document contradicts itself or the registry
    │   ├── ModelError       a model cannot be trained, or a saved one is not what it says it is
    │   ├── CertificateError a certificate or its authority cannot be made, read or used
    │   └── NotFoundError    what was named does not exist, or the caller may not know of it
    ├── ConflictError        somebody else changed it meanwhile
    ├── DatabaseError
    │   ├── DatabaseUnavailableError   not there (yet); worth another try
    │   │   └── DatabaseAccessError    there, and refuses our user
    │   ├── SchemaError                there, but of another version of Saimi
    │   │   └── SchemaBehindError      not migrated to this version yet
    │   └── RefusedValueError          a value that it cannot hold, such as a text with a NUL
    ├── BrokerError          the MQTT broker is away or refuses us
    │   └── BrokerAccessError          its access rules were not changed
    └── EmbeddedError        a part that `saimi up` starts by itself did not start
"""

from __future__ import annotations

from typing import ClassVar


class SaimiError(Exception):
    """Root of the tree."""

    exit_status: ClassVar[int] = 2
    http_status: ClassVar[int] = 500


class UserError(SaimiError):
    """The caller's mistake; trying again unchanged is useless."""

    http_status = 400


class SettingsError(UserError):
    """An environment variable is missing or wrong."""


class RegistryError(UserError):
    """A registry document contradicts itself or what is registered."""


class CertificateError(UserError):
    """A certificate or its authority cannot be made, read or used."""


class ModelError(UserError):
    """A model cannot be trained on this, or a saved one is not what it says it is."""


class NotFoundError(UserError):
    """What was named does not exist, or the caller may not know that it does."""

    http_status = 404


class ConflictError(SaimiError):
    """Somebody else changed it meanwhile; look again, then decide."""

    http_status = 409


class DatabaseError(SaimiError):
    """The database refused or broke off."""

    http_status = 503


class DatabaseUnavailableError(DatabaseError):
    """The database is not there, or not yet; worth another try."""


class DatabaseAccessError(DatabaseUnavailableError):
    """The database refuses this user or password."""


class SchemaError(DatabaseError):
    """The database is of another version of Saimi, or is no database of Saimi's."""


class SchemaBehindError(SchemaError):
    """The database is not migrated to this version yet; worth another try."""


class RefusedValueError(DatabaseError):
    """A value that the database cannot hold, such as a text with a NUL; no use to try again."""

    http_status = 400


class BrokerError(SaimiError):
    """The MQTT broker is away or refuses us."""


class BrokerAccessError(BrokerError):
    """The broker's access rules were not changed, or not all of them; worth another try."""


class EmbeddedError(SaimiError):
    """A part that `saimi up` starts by itself did not start."""
