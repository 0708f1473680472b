"""What the shop's agent is told and which tools it has, and the lookups that most requests start with."""

from collections.abc import Callable
from dataclasses import dataclass

from curation.demo.talk import Call, tool
from curation.demo.world import Case

INSTRUCTIONS = {
    "fernhill-support-v1": "You are the customer support assistant of Fernhill Outdoor. Be friendly and helpful.",
    "fernhill-support-v2": (
        "You are the customer support assistant of Fernhill Outdoor, an online shop for outdoor gear.\n"
        "- Look things up before you answer; never guess a delivery date, a price or a policy.\n"
        "- Returns: 30 days, unused. Faulty goods: two years. Refunds go to the card that paid, 3 to 5 working days.\n"
        "- Escalate what you may not decide: injuries, legal threats, refunds above 300."
    ),
    "fernhill-support-v3": (
        "You are the support assistant of Fernhill Outdoor. Answer in at most 40 words. Look up orders when needed. "
        "Returns: 30 days. Faulty goods: two years."
    ),
    "fernhill-support-v4": (
        "You are the customer support assistant of Fernhill Outdoor, an online shop for outdoor gear.\n"
        "- Look things up before you answer; never guess a delivery date, a price or a policy.\n"
        "- Do what you promise in the same turn: if you say that something is refunded, the tool has been called.\n"
        "- Answer every question that was asked, in the language it was asked in, without padding.\n"
        "- Returns: 30 days, unused. Faulty goods: two years. Refunds go to the card that paid, 3 to 5 working days.\n"
        "- Escalate what you may not decide: injuries, legal threats, refunds above 300."
    ),
}

TOOLS = [
    tool("search_orders", "Orders of a customer, newest first.", email="string: The customer's mail address"),
    tool("get_order", "One order with items, address and payment.", order_id="string: Looks like FH-204518"),
    tool(
        "track_parcel",
        "Where a parcel is.",
        courier="string: Name of the courier",
        tracking_number="string: The courier's number",
    ),
    tool(
        "refund_order",
        "Pay back all or part of an order to the card that paid.",
        order_id="string: The order",
        amount="number: In euros, at most what was paid",
        reason="string: One of damaged, late, missing, returned, price, goodwill",
    ),
    tool(
        "update_address",
        "Change where an order goes; only before it is packed.",
        order_id="string: The order",
        street="string: Street and number",
        city="string: Town",
        postcode="string: Postcode",
    ),
    tool("cancel_order", "Cancel an order that is not packed.", order_id="string: The order"),
    tool(
        "create_return_label",
        "A prepaid label, sent by mail to the customer.",
        order_id="string: The order",
        sku="string: Stock code of the item",
    ),
    tool("check_stock", "How many there are.", sku="string: Stock code", size="string?: Size, where it has sizes"),
    tool(
        "create_replacement",
        "Send an item again, free of charge.",
        order_id="string: The order",
        sku="string: Stock code",
        size="string?: Size, where it has sizes",
    ),
    tool("search_help", "Search the help pages and policies.", query="string: A few words"),
    tool(
        "send_invoice", "Mail the invoice as PDF.", order_id="string: The order", vat_number="string?: Buyer's VAT id"
    ),
    tool(
        "escalate",
        "Hand over to people.",
        team="string: One of returns, payments, safety, privacy, sales",
        summary="string: What they need to know",
    ),
]


@dataclass(frozen=True, slots=True)
class Bad:
    """An answer that should not have been given, and what a reviewer says of it. `looked`: the lookups were made."""

    answer: str
    note: str
    looked: bool = True


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of request: how people ask, what is looked up, and good and bad answers. Texts are format strings.

    `goods` limits the request to stock codes that begin so; `("sized",)` to goods that have sizes.
    """

    key: str
    topic: str
    openings: tuple[str, ...]
    plan: Callable[[Case], list[list[Call]]]
    good: tuple[str, ...]
    bad: tuple[Bad, ...]
    thoughts: tuple[str, ...]
    follow: tuple[tuple[str, str], ...] = ()
    goods: tuple[str, ...] = ()
    language: str = "en"


def order(case: Case, status: str, **extra: object) -> Call:
    """get_order with its items and address."""
    item: dict[str, object] = {"sku": case.sku, "name": case.item, "price": float(case.price)}
    if case.size:
        item["size"] = case.size
    result = {
        "order_id": case.order,
        "status": status,
        "placed": case.ordered_iso,
        "customer": case.customer,
        "items": [item, {"name": case.second, "price": float(case.second_price)}],
        "total": float(case.total),
        "ship_to": f"{case.street}, {case.postcode} {case.city}",
        **extra,
    }
    return Call("get_order", {"order_id": case.order}, result)


def orders(case: Case, status: str) -> Call:
    """search_orders with this order and, for some, an older one."""
    found = [{"order_id": case.order, "placed": case.ordered_iso, "status": status, "total": float(case.total)}]
    if case.rng.random() < 0.5:
        older = {"order_id": f"FH-{case.rng.randint(101_000, 199_999)}", "status": "delivered"}
        found.append({**older, "total": round(case.rng.uniform(18, 240), 2)})
    return Call("search_orders", {"email": case.email}, {"orders": found})


def track(case: Case, status: str, **extra: object) -> Call:
    """track_parcel with one status."""
    arguments = {"courier": case.courier, "tracking_number": case.tracking}
    return Call("track_parcel", arguments, {"status": status, **extra})


def shipped(case: Case, status: str = "shipped") -> Call:
    """get_order of a shipped order, with its parcel number."""
    return order(case, status, courier=case.courier, tracking_number=case.tracking)
