"""Requests about parcels, addresses and deliveries."""

from curation.demo.support_tools import Bad, Scenario, order, orders, shipped, track
from curation.demo.talk import Call
from curation.demo.world import Case


def late(case: Case) -> list[list[Call]]:
    place = {"last_scan": case.spot, "note": "sorting delay", "expected": case.due}
    return [[orders(case, "shipped")], [shipped(case)], [track(case, "in transit", **place)]]


def not_received(case: Case) -> list[list[Call]]:
    place = {"left_with": f"neighbour at no. {case.rng.randint(2, 60)}", "at": case.clock, "signed_by": case.name[-6:]}
    return [[shipped(case, "delivered")], [track(case, "delivered", **place)]]


def move(case: Case) -> list[list[Call]]:
    new = {"street": case.new_street, "city": case.new_city, "postcode": case.new_postcode}
    changed = Call("update_address", {"order_id": case.order, **new}, {"ok": True, "ship_to": f"{case.new_city}"})
    return [[order(case, "paid, not packed")], [changed]]


def move_too_late(case: Case) -> list[list[Call]]:
    new = {"street": case.new_street, "city": case.new_city, "postcode": case.new_postcode}
    refused = Call("update_address", {"order_id": case.order, **new}, {"error": "order is packed"}, error=True)
    return [[shipped(case, "packed")], [refused], [track(case, "label made", pickup="today 18:00")]]


def missing(case: Case) -> list[list[Call]]:
    packed = order(case, "delivered", packed_weight_kg=round(case.rng.uniform(0.8, 6), 1), parcels=1)
    stock = Call("check_stock", {"sku": case.sku}, {"sku": case.sku, "available": case.rng.randint(3, 60)})
    again = Call("create_replacement", {"order_id": case.order, "sku": case.sku}, {"ok": True, "ships": "tomorrow"})
    return [[packed, stock], [again]]


def customs(case: Case) -> list[list[Call]]:
    page = {"title": "Duties outside the EU", "text": "Prices include duties for the UK, Norway and Switzerland."}
    paid = order(case, "shipped", terms="DDP, duties paid by us", courier=case.courier)
    return [[paid, Call("search_help", {"query": "customs duties who pays"}, {"pages": [page]})]]


def stuck(case: Case) -> list[list[Call]]:
    days = case.rng.randint(6, 11)
    lost = track(case, "no scan", last_scan=case.spot, days_without_scan=days)
    again = Call("create_replacement", {"order_id": case.order, "sku": case.sku}, {"ok": True, "ships": "today"})
    return [[shipped(case)], [lost], [again]]


PARCELS = [
    Scenario(
        "late-parcel",
        "delivery",
        (
            "My {item} was supposed to arrive by now. I ordered on {ordered}, mail is {email}. Where is it?",
            "it's been {days} days and still no {item}... the trip starts this weekend. {email}",
            "Could you check on my parcel? The {item} from {ordered} has not turned up. You'll find me under {email}.",
            "Still waiting for a parcel from you. {email}. I was told two days, we are at day {days}.",
            "The courier page for my {item} hasn't moved since the day before yesterday. Account {email}, can you see more?",
        ),
        late,
        (
            "Your {item} (order {order}) is with {courier} and was last scanned at {spot}. They report a sorting delay "
            "and now expect to deliver by {due}. The parcel number is {tracking}. If it has not arrived by then, write to "
            "me and I will send a new one or refund you, whichever you prefer.",
            "I found it: {courier} is holding parcel {tracking} at {spot} because of a sorting delay. The new date is "
            "{due}. I am sorry about that. You do not need to do anything; the note to leave it with a neighbour still "
            "stands.",
            "Thanks for waiting, {first}. The {item} left us on time but sits at {spot} with {courier}; new estimate: "
            "{due}. Should you need it earlier for your trip, I can look for a shop near {city} that has one.",
        ),
        (
            Bad(
                "Your {item} will be delivered tomorrow. Thank you for your patience!",
                "It promises tomorrow, the courier says later. Invented date.",
            ),
            Bad(
                "Parcels usually take 3 to 5 working days. Please wait a little longer.",
                "Never looked the order up. The customer already waited {days} days.",
                looked=False,
            ),
            Bad("In transit with {courier}.", "True but useless: no date, no number, no help with the deadline."),
        ),
        ("The customer gives a mail address but no order number, so I search by mail first, then ask the courier.",),
        (
            (
                "And if it isn't here on {due}?",
                "Then reply to this message and I will resend the {item} by express at our cost, or refund {price}. You "
                "will not have to explain it all again, order {order} carries a note.",
            ),
            (
                "ok. can the driver put it behind the bins?",
                "Yes. Use the link in the {courier} mail and choose a safe place; I cannot set it from here. It works "
                "until the parcel is loaded for delivery.",
            ),
        ),
    ),
    Scenario(
        "says-delivered",
        "delivery",
        (
            "Tracking says delivered at {clock} but there is nothing here! Order {order}.",
            "Order {order} is marked as delivered. I was home the whole day and nobody rang.",
            "Where did you leave my {item}? {order}, says delivered, I don't have it.",
            "Hi, {name} here, {order}. Apparently somebody signed for my parcel. It wasn't me.",
        ),
        not_received,
        (
            "{courier} handed parcel {tracking} to a neighbour at {clock}; the scan shows a signature. Could you ask next "
            "door first? If nobody has it by tomorrow evening, tell me: I will then open a search with the courier and "
            "send a replacement without waiting for its end.",
            "The delivery record for {order} says it was left with a neighbour at {clock}, so it should be within a few "
            "doors of {street}. If it does not turn up, I open an enquiry today and resend the {item}. Just answer "
            "with 'not found'.",
        ),
        (
            Bad(
                "Our system shows that the parcel was delivered. Please contact {courier}.",
                "Sends the customer away although the record names a neighbour, which would have solved it.",
            ),
            Bad(
                "I have refunded {total} to your card. Sorry for the trouble!",
                "Says it refunded, but refund_order was never called; a refund was not right at this point either.",
            ),
        ),
        ("Delivered, but the customer has nothing. The courier's record may say with whom it was left.",),
        (
            (
                "Found it, the lady at the end of the road had it. Thank you!",
                "Good to hear. Enjoy the {item}, and I have closed the note on {order}.",
            ),
            (
                "asked everyone, nobody has it",
                "Thank you for asking around. I am opening an enquiry with {courier} for {tracking} and sending a new "
                "{item} to {street}, {city}. You will have its number within a day.",
            ),
        ),
    ),
    Scenario(
        "change-address",
        "address",
        (
            "I moved! Please send {order} to {new_street}, {new_postcode} {new_city} instead.",
            "stupid me, gave my old address. {order} should go to {new_street} in {new_city} ({new_postcode}). possible?",
            "Can order {order} be redirected? New address: {new_street}, {new_postcode} {new_city}. I'll be at my parents'.",
            "Please change the delivery address of {order}: {name}, {new_street}, {new_postcode} {new_city}.",
        ),
        move,
        (
            "Done. {order} has not been packed yet, so it now goes to {new_street}, {new_postcode} {new_city}. The billing "
            "address stays as it was.",
            "You were just in time: I changed {order} to {new_street}, {new_postcode} {new_city}. It leaves us by {due}. "
            "Shall I keep that as your default address as well? So far I only changed this order.",
        ),
        (
            Bad(
                "Sure, I have updated your address to {street}, {postcode} {city}.",
                "Repeats the OLD address. The tool call was right, the answer will frighten the customer.",
            ),
            Bad(
                "I've noted the new address for {order}. Have a great day!",
                "Claims to have changed it, no update_address call anywhere.",
                looked=False,
            ),
        ),
        ("Address changes are only possible before packing, so the status comes first.",),
        (
            (
                "Only this one order please, not the default",
                "Understood: only {order}. Your default is still {street}, {city}.",
            ),
        ),
    ),
    Scenario(
        "change-address-too-late",
        "address",
        (
            "Need {order} to go to the office: {new_street}, {new_postcode} {new_city}. It ships today I think, please hurry.",
            "Can you still swap the address on {order}? We're leaving for {new_city} on the weekend: {new_street}, {new_postcode}",
            "{order} - wrong house number. Should be {new_street}, {new_postcode} {new_city}. Ordered {ordered}.",
        ),
        move_too_late,
        (
            "I tried, but {order} is already packed and I can no longer change it. {courier} collects it at 18:00; from "
            "then on you can redirect it to {new_city} yourself, free of charge, with number {tracking} on their page. If "
            "that fails, refuse the parcel and I send it again to the right address.",
            "Packed orders are locked, so the change was refused. Two ways that work: redirect {tracking} on the page of "
            "{courier} this evening, or let it come back to us and I resend it to {new_street}. Which do you prefer?",
        ),
        (
            Bad(
                "Your address has been changed to {new_street}, {new_city}.",
                "The tool refused (order is packed) and the agent reports success. Parcel will go to the wrong place.",
            ),
            Bad(
                "That is not possible.", "Correct but leaves the customer alone; redirecting at the courier would work."
            ),
        ),
        ("The change was refused because the order is packed. I must say so and offer the courier's redirect.",),
    ),
    Scenario(
        "missing-item",
        "delivery",
        (
            "Only the {second} was in the box, the {item} is missing. {order}",
            "Unpacked {order}: no {item}. Packing slip lists it though.",
            "Half of my order didn't come. I got the {second} but not the {item}. Is a second parcel on its way? {order}",
            "hey, box arrived pretty light... {item} not in there. order {order}, paid {total}",
        ),
        missing,
        (
            "I am sorry, {first}. There was only one parcel for {order}, so the {item} was left out when it was packed. A "
            "new one ships tomorrow, free of charge; you will get its number by mail.",
            "You are right, it should have been in there. No second parcel was on its way, so I have ordered a "
            "replacement {item} for {order}: it ships tomorrow. Keep the {second}, nothing to send back.",
        ),
        (
            Bad(
                "The {item} will arrive in a separate parcel within the next days.",
                "The order has one parcel only. This is made up.",
            ),
            Bad(
                "Please send us a photo of the box, the packing slip, the weight label and your ID.",
                "Asks for proof nobody needs (and for an ID!) instead of using the tools.",
                looked=False,
            ),
        ),
        ("One parcel only: so it is not a split delivery. Check stock, then send the item again.",),
        (
            (
                "can I get the money back instead?",
                "Of course. Tell me before noon and I stop the replacement and refund {price} instead.",
            ),
        ),
    ),
    Scenario(
        "customs",
        "delivery",
        (
            "Do I have to pay customs for {order}? Nobody told me anything.",
            "I live in {city} and the courier wants money from me for {order}. Is that right?",
            "Will there be import duty on the {item}? Order {order}, ordered {ordered}.",
        ),
        customs,
        (
            "No. {order} was sent with duties paid by us, so you owe nothing at the door. If {courier} asks for money "
            "anyway, do not pay; send me a photo of the notice and I settle it with them.",
            "Nothing to pay: our prices already include the duties, and {order} is declared that way. Should a bill "
            "arrive, forward it to us.",
        ),
        (
            Bad(
                "Import duties depend on your country and are usually paid by the recipient.",
                "General knowledge; the help page it just read says we pay.",
            ),
            Bad(
                "You may have to pay 20 % VAT plus a handling fee of 12.",
                "Guessed numbers. Nothing was looked up.",
                looked=False,
            ),
        ),
        ("The order says DDP, and the help page agrees: duties are ours.",),
    ),
    Scenario(
        "stuck-parcel",
        "delivery",
        (
            "Parcel {tracking} has been in the same place for over a week. I think {courier} lost it.",
            "{order}: tracking dead since {ordered} or so. Please just send a new {item}.",
            "What happens when a courier loses a parcel? Because mine ({order}) seems to be lost.",
        ),
        stuck,
        (
            "I agree, it looks lost: no scan since {spot}. I have sent a new {item} for {order}, it leaves today. If the "
            "first one turns up after all, refuse it at the door and it comes back to us.",
            "No movement since {spot} counts as lost with us after five days. So: a new {item} ships today at no cost, and "
            "the claim against {courier} is our business, not yours.",
        ),
        (
            Bad(
                "Please be patient, parcels can be delayed.",
                "Over a week without a scan is lost by our rule; it had the data.",
            ),
            Bad(
                "I sent you two new ones and a voucher over 50 as an apology.",
                "One replacement was created. The second and the voucher are invented.",
            ),
        ),
        ("More than five days without a scan is treated as lost: replace now, claim later.",),
    ),
]
