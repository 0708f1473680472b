"""Requests about refunds, payments, vouchers and invoices."""

from curation.demo.support_tools import Bad, Scenario, order, orders
from curation.demo.talk import Call
from curation.demo.world import Case


def damaged(case: Case) -> list[list[Call]]:
    arguments = {"order_id": case.order, "amount": float(case.price), "reason": "damaged"}
    if float(case.price) > 300:
        told = {"team": "returns", "summary": f"{case.item} of {case.order} arrived damaged, {case.price} to refund"}
        return [[order(case, "delivered")], [Call("escalate", told, {"ticket": f"R-{case.rng.randint(4000, 9999)}"})]]
    paid = Call("refund_order", arguments, {"ok": True, "refunded": float(case.price), "arrives": "3-5 working days"})
    return [[order(case, "delivered")], [paid]]


def twice(case: Case) -> list[list[Call]]:
    charges = [{"amount": float(case.total), "state": "captured"}, {"amount": float(case.total), "state": "authorised"}]
    return [[orders(case, "shipped"), order(case, "shipped", charges=charges)]]


def voucher(case: Case) -> list[list[Call]]:
    rule = {"title": "Vouchers", "text": "Not together with sale prices. One voucher an order. Valid 60 days."}
    seen = order(case, "paid, not packed", voucher=None, sale_items=[case.item])
    return [[Call("search_help", {"query": f"voucher {case.voucher} rules"}, {"pages": [rule]}), seen]]


def refund_when(case: Case) -> list[list[Call]]:
    sent = {"refunds": [{"amount": float(case.price), "sent": case.ordered_iso, "to": "card ending 4417"}]}
    return [[order(case, "returned", **sent)]]


def cancel(case: Case) -> list[list[Call]]:
    done = Call("cancel_order", {"order_id": case.order}, {"ok": True, "refund": float(case.total)})
    return [[order(case, "paid, not packed")], [done]]


def cancel_late(case: Case) -> list[list[Call]]:
    refused = Call("cancel_order", {"order_id": case.order}, {"error": "already handed to the courier"}, error=True)
    label = Call("create_return_label", {"order_id": case.order, "sku": case.sku}, {"ok": True, "sent_to": case.email})
    return [[order(case, "shipped")], [refused], [label]]


def invoice(case: Case) -> list[list[Call]]:
    number = f"{case.rng.choice(['DE', 'NL', 'IE', 'FR'])}{case.rng.randint(10**8, 10**9 - 1)}"
    sent = Call("send_invoice", {"order_id": case.order, "vat_number": number}, {"ok": True, "sent_to": case.email})
    return [[order(case, "delivered")], [sent]]


def cheaper(case: Case) -> list[list[Call]]:
    page = {
        "title": "Price promise",
        "text": "Within 14 days of the order we refund the difference to our own lower price.",
    }
    less = round(float(case.price) * 0.85, 2)
    amount = round(float(case.price) - less, 2)
    arguments = {"order_id": case.order, "amount": amount, "reason": "price"}
    look = [
        order(case, "delivered", current_price=less),
        Call("search_help", {"query": "price dropped after order"}, {"pages": [page]}),
    ]
    return [look, [Call("refund_order", arguments, {"ok": True, "refunded": amount})]]


MONEY = [
    Scenario(
        "damaged",
        "refund",
        (
            "The {item} came with a tear right across. {order}. I want my money back, no replacement.",
            "Broken on arrival: {item}, order {order}. Please refund, I bought one in a shop meanwhile.",
            "Really disappointed. {order}, the {item} is cracked and the box looked as if someone had sat on it. Refund please.",
            "My {item} leaks. First use! {order}. Money back.",
        ),
        damaged,
        (
            "That should not happen, I am sorry. I have started the repayment of {price} for the {item} in {order}; it "
            "reaches the card that paid in 3 to 5 working days once it is approved. You need not send it back.",
            "Understood, no replacement. The {price} for the {item} is on its way through our returns team to your card, "
            "3 to 5 working days. The {second} in the same order is not affected.",
        ),
        (
            Bad(
                "I have refunded {total}.",
                "Refunds the entire order incl. the {second}; in fact only {price} was paid back.",
            ),
            Bad(
                "We can offer you a replacement {item} instead.",
                "Customer said clearly: no replacement, money back.",
                looked=False,
            ),
            Bad("Refund issued.", "Not wrong, but not a word on amount, time or whether to return it. Too short."),
        ),
        ("Faulty goods may be refunded; above 300 I have to hand it over, so the price decides.",),
        (("and the postage?", "Delivery was free for {order}, so there is no postage to pay back."),),
    ),
    Scenario(
        "charged-twice",
        "payment",
        (
            "You took {total} twice from my account!! {email}, {order}",
            "My bank shows two payments over {total} for {order}. Please explain.",
            "double charge?? order {order}, card shows -{total} and -{total}. {email}",
        ),
        twice,
        (
            "I see both lines, {first}: one is the real payment of {total}, the other is only a reservation your bank holds "
            "from the first try. We never collect it and it disappears by itself, usually within 5 working days. If it is "
            "still there after that, send me the bank's reference and payments will look at it.",
            "Only one payment of {total} was captured for {order}. The second is an authorisation that expires on its own "
            "(banks take up to 5 working days). No money has been taken twice.",
        ),
        (
            Bad(
                "You're right, that is our mistake. I have refunded the second payment of {total}.",
                "There was no second payment and no refund call. Dangerous.",
            ),
            Bad(
                "Please contact your bank.",
                "It had the explanation on the screen (authorised, not captured) and did not give it.",
            ),
        ),
        ("One charge is captured, the other only authorised: that explains two lines without a double payment.",),
        (
            (
                "It says pending, so that fits. Thanks.",
                "Exactly, pending is the reservation. It will go away without you doing anything.",
            ),
        ),
    ),
    Scenario(
        "voucher",
        "voucher",
        (
            "{voucher} doesn't work on the {item}. It says not applicable?",
            "Forgot to enter {voucher} on {order}, can you add it afterwards?",
            "Your newsletter promised me {voucher}, checkout refused it. Order {order}, went through without discount.",
        ),
        voucher,
        (
            "{voucher} cannot be combined with sale prices, and the {item} in {order} is on sale, so the checkout was right "
            "to refuse it. The code stays valid for 60 days and works on anything at full price.",
            "I checked: the {item} is already reduced, and vouchers do not go on top of sale prices. I cannot add {voucher} "
            "to {order}, but it is unused and yours for the next order.",
        ),
        (
            Bad(
                "I've added {voucher} to your order, the discount will be refunded.",
                "Against the rule it just read, and nothing was refunded.",
            ),
            Bad(
                "Try clearing your browser cache and enter the code again.",
                "Did not check the rule at all.",
                looked=False,
            ),
        ),
        ("The item is in the sale; the help page rules out vouchers on sale prices.",),
        (
            (
                "That should be on the voucher then.",
                "Fair point. It is in the small print of the mail only; I have passed it on to the people who write it.",
            ),
        ),
    ),
    Scenario(
        "refund-when",
        "refund",
        (
            "I sent back the {item} ages ago ({order}). When do I get my money?",
            "No refund yet for {order}. Parcel reached you on {ordered} according to the post office.",
            "Refund status {order} please",
        ),
        refund_when,
        (
            "We sent {price} to your card ending 4417 on {ordered}. Banks need 3 to 5 working days, so it should show by "
            "{due}. If not, tell me and I will ask our payment team for the bank reference.",
            "The refund of {price} for the {item} left us on {ordered}, to the card ending 4417. Please check that card's "
            "statement, not a different one; it may take 5 working days.",
        ),
        (
            Bad(
                "Refunds take up to 14 days after we receive the parcel.",
                "The refund was already sent on {ordered}. It even had the record.",
            ),
            Bad("Your refund of {total} has been processed.", "Wrong amount: {price}, not {total}."),
        ),
        ("The record has amount, date and card, so I can give all three.",),
    ),
    Scenario(
        "cancel",
        "cancel",
        (
            "Please cancel {order}, found it cheaper.",
            "cancel order {order} asap!! ordered the wrong thing",
            "I'd like to cancel {order} from {ordered}. My daughter already has a {item}.",
            "Is it too late to cancel? {order}.",
        ),
        cancel,
        (
            "Cancelled. {order} had not been packed, and the full {total} goes back to your card in 3 to 5 working days.",
            "It was not too late: {order} is cancelled and {total} is on its way back to the card you paid with.",
        ),
        (
            Bad(
                "I can cancel it for you. Do you want me to?",
                "The customer asked for exactly that. Needless extra round.",
                looked=False,
            ),
            Bad("{order} is cancelled. The refund takes 30 days.", "It is 3 to 5 working days. Invented number."),
        ),
        ("Not packed yet, so cancelling is allowed and the tool returns the amount.",),
        (
            (
                "And the {second}? Was in the same order.",
                "Also cancelled, it was part of {order}; the {total} covers both.",
            ),
        ),
    ),
    Scenario(
        "cancel-too-late",
        "cancel",
        (
            "Cancel {order}. I changed my mind about the {item}.",
            "hello, want to cancel {order} - I know it's been {days} days",
            "{order}: please stop this, I ordered by accident while showing a friend the {item}.",
        ),
        cancel_late,
        (
            "{order} is already with the courier, so it can no longer be cancelled. I have mailed a prepaid return label to "
            "{email}: refuse the parcel or send it back unused within 30 days and you get {price} back.",
            "The cancellation was refused because the parcel has left. The simplest way now: do not accept it at the door. "
            "Otherwise use the return label I just sent to {email}. Either way the {price} comes back to your card.",
        ),
        (
            Bad("{order} has been cancelled.", "The tool said no. Customer will be surprised by a parcel."),
            Bad("Sorry, it cannot be cancelled anymore.", "A label was created and not mentioned. Half an answer."),
        ),
        ("Cancelling failed: handed over. A return label is the next best.",),
    ),
    Scenario(
        "invoice",
        "invoice",
        (
            "I need a proper invoice with our VAT number for {order}.",
            "Accounting wants an invoice for {order}, the receipt is not enough. To {email} please.",
            "Bought the {item} for our scout group, {order}. Can I have a VAT invoice?",
        ),
        invoice,
        (
            "The invoice for {order} over {total}, with your VAT number, is on its way to {email}.",
            "Sent: invoice for {order} to {email}, with the VAT number from your account. Should the number be another "
            "one, tell me and I will reissue it.",
        ),
        (
            Bad(
                "You can download invoices in your account under Orders.",
                "Receipts only, not VAT invoices; the tool for it exists.",
                looked=False,
            ),
            Bad(
                "I've sent it to your billing department.",
                "It went to {email}. The customer will search in the wrong place.",
            ),
        ),
        ("send_invoice takes the VAT id, and the account has one.",),
    ),
    Scenario(
        "price-drop",
        "refund",
        (
            "The {item} I bought on {ordered} is 15 % cheaper today. Seriously? {order}",
            "saw the {item} on sale, paid full price {days} days ago ({order}). do you refund the difference",
            "Price of the {item} dropped right after I ordered, {order}. Is there anything you can do?",
        ),
        cheaper,
        (
            "Yes, there is: within 14 days we pay the difference to our own lower price. I have refunded it for {order}; it "
            "is on your card in 3 to 5 working days.",
            "You ordered {days} days ago, which is within our 14 days, so the difference for the {item} has been refunded "
            "to your card just now.",
        ),
        (
            Bad(
                "Sale prices do not apply to past orders.",
                "Our price promise says the opposite, and the page was open.",
            ),
            Bad(
                "I can give you a 10 % voucher for your next order.",
                "A voucher instead of the refund the customer has a right to. No lookup.",
                looked=False,
            ),
        ),
        ("{days} days is inside the 14 of the price promise. Refund exactly the difference.",),
    ),
]
