"""Requests about sizes, returns, warranty, advice, and what people must decide; some in other languages."""

from curation.demo.support_parcels import late
from curation.demo.support_tools import Bad, Scenario, order, orders
from curation.demo.talk import Call
from curation.demo.world import Case


def swap(case: Case) -> list[list[Call]]:
    left = Call("check_stock", {"sku": case.sku, "size": case.other_size}, {"available": case.rng.randint(1, 30)})
    arguments = {"order_id": case.order, "sku": case.sku}
    send = Call("create_replacement", {**arguments, "size": case.other_size}, {"ok": True, "ships": "tomorrow"})
    return [[order(case, "delivered"), left], [send, Call("create_return_label", arguments, {"ok": True})]]


def swap_none(case: Case) -> list[list[Call]]:
    left = Call("check_stock", {"sku": case.sku, "size": case.other_size}, {"available": 0, "restock": case.due})
    return [[order(case, "delivered"), left]]


def worn_out(case: Case) -> list[list[Call]]:
    months = case.rng.randint(7, 22)
    page = {"title": "Warranty", "text": "Two years for faults. Wear and cuts are not covered; we repair them at cost."}
    bought = order(case, "delivered", months_ago=months)
    send = Call("create_replacement", {"order_id": case.order, "sku": case.sku}, {"ok": True, "ships": "today"})
    return [[bought, Call("search_help", {"query": "warranty fault after use"}, {"pages": [page]})], [send]]


def suited(case: Case) -> list[list[Call]]:
    page = {
        "title": f"{case.item}: test notes",
        "text": "Good down to 2 degrees and in steady rain. Not for frost alone.",
    }
    left = Call("check_stock", {"sku": case.sku}, {"available": case.left})
    return [[Call("search_help", {"query": f"{case.item} test notes weather"}, {"pages": [page]}), left]]


def hurt(case: Case) -> list[list[Call]]:
    told = {
        "team": "safety",
        "summary": f"{case.name} was hurt using the {case.item}, order {case.order}. Call back today.",
    }
    return [
        [order(case, "delivered")],
        [Call("escalate", told, {"ticket": f"S-{case.rng.randint(100, 999)}", "eta": "2 h"})],
    ]


def forget_me(case: Case) -> list[list[Call]]:
    page = {"title": "Your data", "text": "Erasure within 30 days; invoices are kept for the legal ten years."}
    told = {"team": "privacy", "summary": f"Erasure asked for by {case.email}, customer {case.customer}"}
    look = [Call("search_help", {"query": "delete my data"}, {"pages": [page]}), orders(case, "delivered")]
    return [look, [Call("escalate", told, {"ticket": f"P-{case.rng.randint(100, 999)}"})]]


def many(case: Case) -> list[list[Call]]:
    left = Call("check_stock", {"sku": case.sku}, {"available": case.rng.randint(12, 70)})
    told = {"team": "sales", "summary": f"Group order of {case.days + 9} x {case.item}, {case.email}"}
    return [[left], [Call("escalate", told, {"ticket": f"B-{case.rng.randint(1000, 9999)}", "eta": "1 working day"})]]


def nothing(case: Case) -> list[list[Call]]:
    found = Call("search_orders", {"email": case.email}, {"orders": []})
    number = Call("get_order", {"order_id": case.order}, {"error": "no such order"}, error=True)
    return [[found], [number]]


GOODS_TALKS = [
    Scenario(
        "wrong-size",
        "exchange",
        (
            "The {item} in {size} is too small. Can I get {other_size}? {order}",
            "Swap {item} {size} -> {other_size}? Order {order}. Tried on indoors only.",
            "I misjudged the size of the {item} ({order}). I need {other_size} rather than {size}, before {due} if you can.",
            "hi! {size} doesn't fit me at all :( {item}, {order}. is {other_size} in stock?",
        ),
        swap,
        (
            "{other_size} is in stock. I have sent the {item} in {other_size} on its way (ships tomorrow), and a prepaid label "
            "for the {size} is in your mail. Send the first one back within 30 days; nothing is charged in between.",
            "Yes, and it is done: {item} in {other_size} ships tomorrow for {order}. Put the {size} into the same box and use "
            "the label I mailed to {email}.",
        ),
        (
            Bad(
                "I have sent you the {item} in {size}.",
                "Same size again! The tool call had {other_size}, the answer says {size}.",
            ),
            Bad(
                "Please return it and place a new order.",
                "Exchange is one tool call. The customer should not have to pay twice.",
                looked=False,
            ),
        ),
        ("Check that {other_size} is there before promising anything; stock and order can be asked at once.",),
        (("do I have to print the label?", "No, the mail has a QR code as well; the parcel shop prints it for you."),),
        goods=("sized",),
    ),
    Scenario(
        "wrong-size-none-left",
        "exchange",
        (
            "Exchange please: {item}, {size} to {other_size}. {order}",
            "Can you send {order} again in {other_size}? The {item} is too tight round the shoulders... or wherever.",
            "{item} {other_size} - any left? got {size} ({order}) and it's not my size after all",
        ),
        swap_none,
        (
            "The {item} is sold out in {other_size}; more are expected on {due}. You can keep your {size} until then and I set "
            "the new one aside for you, or I send you a return label and refund {price}. Which suits you?",
            "Not at the moment: {other_size} comes back around {due}. Shall I reserve one for you, or would you rather return "
            "the {size} for a refund of {price}?",
        ),
        (
            Bad("Your {item} in {other_size} ships tomorrow.", "Stock is 0. It cannot ship tomorrow."),
            Bad("Sold out.", "No date although restock is {due}, no alternative."),
        ),
        ("None in {other_size}, restock on {due}. Offer waiting or a refund and let the customer choose.",),
        (
            (
                "Reserve one please",
                "Reserved in your name. You will hear from us around {due}; the {size} can go back after that.",
            ),
        ),
        goods=("sized",),
    ),
    Scenario(
        "warranty",
        "warranty",
        (
            "After not even two years my {item} falls apart at the seam. {order}",
            "The {item} from {order} stopped working. It's been used normally. What does the warranty cover?",
            "Zip broken on... well, basically the {item} gave up. Order {order}. Do you repair?",
        ),
        worn_out,
        (
            "Faults are covered for two years, and {order} is within that, so a new {item} leaves today at no cost. "
            "You can throw the old one away or bring it to a repair café.",
            "That counts as a fault, not as wear, so the two-year warranty applies: replacement for the {item} is on its "
            "way. For cuts or wear later on we also repair, at cost.",
        ),
        (
            Bad("The warranty covers one year, so we cannot help.", "It is two years, the page was just read."),
            Bad(
                "Please describe the fault in detail and attach three photos.",
                "The description was enough; our rule is to replace.",
                looked=False,
            ),
        ),
        ("Within two years and not wear: replace.",),
    ),
    Scenario(
        "advice",
        "advice",
        (
            "Is the {item} enough for {days} days around {city} in autumn? And do you have it right now?",
            "I'm torn about the {item}. We walk for {days} days. Any good, and is it in stock?",
            "Planning {days} days around {city}. Would you take the {item}? My {second} comes along anyway.",
            "quick q - {item}, ok for wet weather? in stock?",
        ),
        suited,
        (
            "Yes: our test notes call the {item} good down to 2 degrees and in steady rain, which covers autumn. There are "
            "{left} in stock, and an order before 14:00 leaves the same day.",
            "I would take it. It is rated to 2 degrees and holds off steady rain; for frost I would add a warm layer. "
            "{left} of them are in stock today.",
        ),
        (
            Bad(
                "The {item} is a great choice and our customers love it!",
                "Advertising. The question had two parts, neither is answered.",
            ),
            Bad(
                "I think so, most of our products are fine for that.",
                "Guess. One search would have told.",
                looked=False,
            ),
            Bad("Yes, and we have plenty, more than {points} in stock.", "Stock is {left}; the number is invented."),
        ),
        ("Two questions: is it suited, and is it there. Both can be looked up at once.",),
    ),
    Scenario(
        "injury",
        "safety",
        (
            "My son cut his hand on the {item}. There is a sharp edge on it. {order}. What are you going to do?",
            "The {item} gave way under me yesterday. I'm at the doctor's. Order {order}.",
            "Safety problem with the {item}! It burnt my fingers although I followed the leaflet. {order}",
        ),
        hurt,
        (
            "I am very sorry, and I hope it heals well. Please stop using the {item} and keep it as it is. Our safety team "
            "has your case and will call you within two hours; a person decides there, not me.",
            "That matters more than any order. I have handed {order} to our safety team, who call back within two hours. "
            "Please keep the {item}, do not use it, and take a photo of the edge if you can.",
        ),
        (
            Bad(
                "Sorry to hear that! I can offer you a 10 % voucher.",
                "Somebody was hurt. This must go to the safety team.",
                looked=False,
            ),
            Bad(
                "Please make sure to follow the instructions of the {item}.",
                "Blames the customer. Escalated, but the tone is unacceptable.",
            ),
        ),
        ("An injury: never mine to settle. Escalate to safety at once.",),
        goods=("STV", "CHR", "HMK", "CLB", "POL", "LMP", "POT"),
    ),
    Scenario(
        "erase-me",
        "privacy",
        (
            "Delete all data you have about me. {email}.",
            "Under the GDPR I ask you to erase my account {email} and to confirm it in writing.",
            "how do I get my account deleted? {email}. too many mails",
        ),
        forget_me,
        (
            "Your request is with our privacy team, who erase the account of {email} within 30 days and confirm it by mail. "
            "Invoices must be kept for ten years by law; nothing else is.",
            "Passed on: everything on {email} is erased within 30 days, except invoices, which the law makes us keep. You "
            "get a written confirmation.",
        ),
        (
            Bad("Your account has been deleted.", "It has not. It was handed to the privacy team, 30 days."),
            Bad(
                "You can unsubscribe from the newsletter at the bottom of every mail.",
                "Asked for erasure, got a newsletter tip.",
                looked=False,
            ),
        ),
        ("Erasure is decided by the privacy team; I say what happens and what is kept.",),
    ),
    Scenario(
        "group-order",
        "sales",
        (
            "We are a youth centre in {city} and need a dozen or more of the {item}. Is there a group price?",
            "Quote for the {item} please, larger quantity, delivery by {due}. {email}",
            "Do schools get a discount? We'd want the {item} for the whole class. Contact {email}",
        ),
        many,
        (
            "There are enough {item} in stock. Group prices are made by our sales team; they write to {email} within one "
            "working day with a quote and the delivery date.",
            "Yes, for groups there is. I have passed your request to sales, with the {item} and your address; the quote "
            "comes within one working day.",
        ),
        (
            Bad("For groups we give 25 % off.", "Nobody said 25 %. Sales decides.", looked=False),
            Bad(
                "Just put the quantity into the basket.",
                "Ignores the question for a price. And it did escalate, so say so.",
            ),
        ),
        ("Prices for groups are not mine to set. Stock I can check.",),
    ),
    Scenario(
        "no-such-order",
        "account",
        (
            "Where is my order {order}? My mail is {email}",
            "I can't see {order} in my account any more. {email}",
            "You deleted my order?! {order}, {email}",
        ),
        nothing,
        (
            "I find neither {order} nor any order under {email}. Perhaps it was placed with another address, or the number "
            "has a typing error: it stands at the top of the confirmation mail. Could you send me that line?",
            "There is no {order} in our system and nothing under {email}. Did you perhaps order as a guest with a different "
            "mail address? With the name and the postcode I can search again.",
        ),
        (
            Bad("Your order {order} is being processed and will ship soon.", "There is no such order! Pure invention."),
            Bad("Order not found.", "A dead end for the customer, who does not know what to try next."),
        ),
        ("Neither the mail nor the number gives anything. Say so and ask for one thing that helps.",),
    ),
    Scenario(
        "late-parcel-de",
        "delivery",
        (
            "Guten Tag, meine Bestellung vom {ordered} ({item}) ist noch nicht da. E-Mail: {email}",
            "Wo bleibt mein Paket? {item}, bestellt vor {days} Tagen. {email}",
        ),
        late,
        (
            "Guten Tag {first}, Ihr Paket {tracking} liegt bei {courier} ({spot}) und verspätet sich. Neuer Termin: {due}. "
            "Kommt es bis dahin nicht an, schicke ich Ihnen ein neues oder erstatte den Betrag.",
        ),
        (Bad("Your parcel is in transit and expected by {due}.", "Customer wrote German, answer is English."),),
        ("Der Kunde schreibt Deutsch, also antworte ich auf Deutsch.",),
        language="de",
    ),
    Scenario(
        "late-parcel-fr",
        "delivery",
        (
            "Bonjour, je n'ai toujours pas reçu mon colis ({item}, commande du {ordered}). Mon adresse : {email}",
            "Ma commande devait arriver il y a trois jours. {email}. Où est-elle ?",
        ),
        late,
        (
            "Bonjour {first}, votre colis {tracking} se trouve chez {courier} ({spot}) avec du retard ; la livraison est "
            "maintenant prévue le {due}. S'il n'arrive pas, écrivez-moi et je le renvoie ou je vous rembourse.",
        ),
        (Bad("Merci de patienter, votre colis arrivera bientôt.", "No date although the courier gives one ({due})."),),
        ("La cliente écrit en français.",),
        language="fr",
    ),
    Scenario(
        "late-parcel-es",
        "delivery",
        (
            "Hola, pedí {item} el {ordered} y todavía no ha llegado. Mi correo es {email}.",
            "¿Dónde está mi pedido? Ya son {days} días. {email}",
        ),
        late,
        (
            "Hola, {first}: su paquete {tracking} está con {courier} ({spot}) y lleva retraso; la nueva fecha es el {due}. Si "
            "no llega, le envío otro o le devuelvo el dinero, como prefiera.",
        ),
        (Bad("Su paquete llegará mañana sin falta.", "Invented: the courier says {due}."),),
        ("Escribe en español; respondo igual.",),
        language="es",
    ),
]
