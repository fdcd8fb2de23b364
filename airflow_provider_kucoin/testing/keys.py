"""API keys as the exchange knows them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ApiKey:
    """
    One API key; `dataclasses.replace` gives a changed one for `Exchange.replace_key`.

    `permissions` are the strings of `GET /api/v1/user/api-key`, where the documentation's tag "Withdrawal" is called
    "Transfer" and "FlexTransfers" is called "InnerTransfer". The default can read everything and move nothing.
    """

    key: str
    secret: str = field(repr=False)
    passphrase: str = field(repr=False)
    version: int = 3
    permissions: tuple[str, ...] = ("General", "Spot", "Margin", "Futures")
    ip_whitelist: tuple[str, ...] = ()
    uid: int = 165111215
    is_master: bool = True
    created_at: int = 1728443843000
    expired_at: int | None = None
    sub_name: str = ""
    remark: str = ""
    site_type: str = "global"
    parent_uid: int | None = None
    region: str = ""
    kyc_status: int = 1
    third_party_app: str = ""

    def may(self, permission: str) -> bool:
        """Whether the key carries a permission, named as the documentation's tags name it."""
        return PERMISSION_STRINGS.get(permission, permission) in self.permissions


# Documentation tag -> string in `permission` of the key's own description; all others are equal.
PERMISSION_STRINGS = {"Withdrawal": "Transfer", "FlexTransfers": "InnerTransfer"}
