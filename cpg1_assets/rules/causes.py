"""What each cause means, and what to do about it: for a person who meets it in a list, not for a rule."""

from types import MappingProxyType

MEANINGS = MappingProxyType(
    {
        "posted twice": "NAV has the same entry twice, the operational system once. Reverse one of them.",
        "never posted": (
            "A posting is missing: of the item itself where only the target has it, of what settles it where only NAV "
            "has it. Post it."
        ),
        "posted after the close": (
            "The entry was made in NAV after the balance was taken, so it is not in the balance; a ledger item of the "
            "opposite amount stands beside it. The next balance has it."
        ),
        "booked in another month": (
            "One side has it in this month, the other in another one. It settles when both months are closed."
        ),
        "manual journal": "Somebody booked it by hand, and nothing operational stands against it. Ask who booked it.",
        "cancelled, not booked": "It was cancelled in the operational system, and NAV still carries it. Book it.",
        "booked at another amount": "Both sides have it, at different amounts. Correct the one that is wrong.",
        "ordered, never delivered": (
            "The voucher was used on an order that was not delivered in time. Cancel the order, or give the voucher back."
        ),
        "used, not delivered yet": "The voucher is used and the package is on its way. It settles on delivery.",
        "partly used, in transit": (
            "A part of the voucher is used and the package is on its way. It settles on delivery."
        ),
        "expired, not booked": "The voucher expired, and NAV still carries it. Book the expiry.",
        "unknown account or company": (
            "It is booked where its reference is not known; another company may have it open. Book it there."
        ),
        "rounding": "Less than a cent. Nothing to do.",
        "unknown": "No rule says what caused it. Look at its rows, and say what you find in a comment.",
    }
)
"""By cause, all that a rule can propose."""
