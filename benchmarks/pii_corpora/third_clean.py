"""Clean scenes of the third corpus with people in them: orders, journeys, figures, texts, but nothing personal to find.

Written as third_scenes.py describes.
"""

CALM = r"""§user
Where is order ⟦=ORD-{d8}⟧? The tracking number is ⟦track⟧, placed ⟦date⟧.
§call track
{"carrier": "⟦~DHL|UPS|GLS|DPD|PostNL⟧", "number": "⟦track⟧", "order": "⟦=ORD-{d8}⟧"}
§tool json
{"status": "in_transit", "depot": "⟦city⟧", "eta": "⟦iso⟧", "weight_g": ⟦100-9000⟧, "scans": [⟦epoch⟧, ⟦epoch⟧], "ref": "⟦=JJD{d18}⟧"}
===
§user
Wie viel kostet Artikel ⟦=4711-{d4}-{d2}⟧ (EAN ⟦ean⟧)? Rechnung ⟦=RE-2025-{d5}⟧ nennt ⟦money⟧ €.
§tool
Art.-Nr.;EAN;Bestand;Preis
⟦=4711-{d4}-{d2}⟧;⟦ean⟧;⟦1-90⟧;⟦money⟧
⟦=4711-{d4}-{d2}⟧;⟦ean⟧;⟦1-90⟧;⟦money⟧
§assistant
Der Artikel kostet ⟦money⟧ €, Lieferzeit 3–5 Tage.
===
§user
Bonjour, le colis ⟦=8R{d11}⟧ devait arriver entre le 12 et le 14/11/2025 (créneau 10h30-12h00). Dossier n° ⟦=2025-{d4}-{d4}⟧.
§assistant
Il est en cours d'acheminement ; nouvelle estimation : ⟦date⟧, entre 8 h et 13 h.
===
§user
¿Cuánto me devuelven? Pedí 3 × ⟦money⟧ € y devolví uno. Pedido ⟦=P{d9}⟧, albarán ⟦=A-{d6}⟧.
§assistant
Se devuelven ⟦money⟧ € en 5-7 días laborables a la tarjeta terminada en ⟦=6{d3}⟧.
===
§user
Pay with the card ending in ⟦=1{d3}⟧ please, the one that shows as **** **** **** ⟦=1{d3}⟧.
§call pay
{"card_token": "card_on_file_2", "last4": "⟦=1{d3}⟧", "masked": "4XXX-XXXX-XXXX-⟦=1{d3}⟧", "amount": ⟦1000-90000⟧}
§tool
approved, auth ⟦=0{d5}⟧
===
§tool json
{"isbn": "⟦isbn⟧", "title": "⟦~The Salt Road|Nachtzug|La Marée⟧", "pages": ⟦90-900⟧, "ean": "⟦ean⟧", "lccn": "20250⟦=4{d4}⟧"}
§assistant
It has an ISBN-13 and an EAN, which are the same number here.
===
§user
Compare the flights of ⟦date⟧.
§tool
| flight | from | to | dep | arr | fare |
|---|---|---|---|---|---|
| LH⟦100-999⟧ | FRA | LIS | 06:45 | 08:50 | ⟦money⟧ |
| TP⟦100-999⟧ | MUC | LIS | 11:10 | 13:15 | ⟦money⟧ |
| VY⟦1000-9999⟧ | BCN | LIS | 21:05 | 22:10 | ⟦money⟧ |
§assistant
The cheapest leaves at 06:45; e-ticket numbers look like 220-⟦=24{d8}⟧.
===
§user
My car: VIN ⟦vin⟧, mileage ⟦20000-190000⟧, first registered ⟦iso⟧. When is the service due?
§tool json
{"vin": "⟦vin⟧", "engine": "OM654.920", "oil": "5W-30 / MB 229.52", "next_km": ⟦20000-200000⟧, "part_numbers": ["A654 180 ⟦10-99⟧ 00"]}
===
§tool
time,lat,lon,alt,speed
⟦iso⟧T06:00:00Z,⟦lat⟧,⟦lon⟧,⟦100-900⟧.2,4.81
⟦iso⟧T06:00:05Z,⟦lat⟧,⟦lon⟧,⟦100-900⟧.7,4.92
⟦iso⟧T06:00:10Z,⟦lat⟧,⟦lon⟧,⟦100-900⟧.1,5.03
§assistant
The track starts near ⟦lat⟧, ⟦lon⟧ (48°08'14.0"N 11°34'31.1"E).
===
§tool
Quarter    Revenue      Costs        Margin
Q1/24      1 ⟦100-999⟧ 311    ⟦100-999⟧ 204      12.4 %
Q2/24      1 ⟦100-999⟧ 870    ⟦100-999⟧ 982      11.9 %
Q3/24      2 ⟦100-999⟧ 014    1 ⟦100-999⟧ 330    13.0 %
FY 2023-2024: 7,⟦100-999⟧,⟦100-999⟧.00 / 2024-2025: 8,⟦100-999⟧,⟦100-999⟧.50
===
§user
Who won on ⟦date⟧?
§assistant
6-4 3-6 7-6(5), after 2:41 h. On the other court: 21-19, 18-21, 21-15. Football: 3:1 (1:1), hockey 4:3 n.V. (1:0 0:2 2:1 1:0).
===
§user
Was ist 12.345.678,90 geteilt durch 4? Und 0123456789 als Zahl?
§assistant
3.086.419,725 – und ohne die führende Null 123.456.789. Probe: 4 × 3.086.419,725 = 12.345.678,9.
===
§user
what is 2^64, and pi to 30 digits
§assistant
2^64 = 18446744073709551616; π ≈ 3.141592653589793238462643383279; e ≈ 2.718281828459045; 20! = 2432902008176640000.
===
§tool
>seq⟦1-90⟧ Homo sapiens fragment, len=120
⟦dna⟧
⟦dna⟧
>sp|P6⟦=8{d3}⟧|HBA_TEST chain
MVLSPADKTNVKAAWGKVGAHAGEYGAEALERMFLSFPTTKTYFPHFDLSHGSAQVKGHG
===
§user
Cześć, kiedy przyjedzie paczka ⟦=6{d23}⟧? Zamówienie ⟦=ZAM/{d5}/11/25⟧, kwota ⟦money⟧ zł.
§assistant
Paczka jest w sortowni (⟦city⟧), doręczenie ⟦date⟧ między 9:00 a 15:00.
===
§user
Wat is de status van dossier ⟦=NL-2025-{d6}⟧? Referentie ⟦=0{d3}.{d2}.{d3}⟧/B02.
§tool wrap
dossier: in behandeling
termijn: 6-8 weken
kenmerk: ⟦=X{A9}⟧
bedrag: € ⟦money⟧
===
§user
Sınav saat kaçta? Salon B-⟦100-400⟧, sıra ⟦1-40⟧, aday no ⟦=T{d6}⟧.
§assistant
Sınav ⟦date⟧ günü 10.15'te başlıyor; 45 soru, süre 90 dakika, geçme notu 59,5.
===
§user
Mera order ⟦=OD{d18}⟧ kahan hai? Rs. ⟦money⟧ kat gaye, invoice ⟦=FAB{A8}⟧.
§assistant
Aapka order ⟦city⟧ hub par hai, ⟦date⟧ tak mil jayega. PIN code ke liye app dekhiye.
===
§user
注文番号⟦=2{d2}-{d7}-{d7}⟧の配達日を教えてください。合計は¥⟦1-90⟧,⟦100-999⟧です。
§assistant
⟦iso⟧の午前中（8時〜12時）にお届け予定です。伝票番号は⟦=4{d3}-{d4}-{d3}9⟧（12桁）です。
===
§user
帮我算一下：单价⟦money⟧元，数量⟦10-90⟧，税率13%，发票代码⟦=0{d11}⟧。
§tool json
{"小计": ⟦money⟧, "税额": ⟦money⟧, "发票号码": "⟦=2{d7}⟧", "日期": "⟦iso⟧"}
===
§system
You sell tickets. Never ask for card numbers; the widget does that. Prices in EUR, dates as DD.MM.YYYY.
§user
2 tickets for ⟦date⟧, row ⟦1-30⟧, seats ⟦1-20⟧-⟦21-40⟧
§call hold_seats
{"event": "⟦=EV{d5}⟧", "row": ⟦1-30⟧, "seats": [⟦1-20⟧, ⟦21-40⟧], "hold_until": ⟦epoch⟧}
§tool
HELD ⟦=H{A7}⟧ until 14:⟦10-59⟧:00; barcode ⟦=2{d2} {d3} {d3} {d4}⟧
===
§user
The patient's results, please.
§tool
Hb 13.⟦1-9⟧ g/dL (12.0-15.5); Leuko 6.⟦1-9⟧ G/l; TSH 1.⟦10-99⟧ mU/l; RR 128/84; Puls ⟦55-99⟧; Chol 5.2/1.4/3.1
LOINC 718-7, 6690-2, 3016-3; ICD-10 M54.5, E11.90; OPS 5-812.5; case ⟦=F{d8}⟧; specimen ⟦=25-{d6}-0{d1}⟧
§assistant
All values lie within their ranges.
===
§tool
INVOICE ⟦=2025-{d5}⟧          ⟦date⟧
Pos  Qty  Unit      Sum
1    12   ⟦money⟧   ⟦money⟧
2     3   ⟦money⟧   ⟦money⟧
VAT ID of seller: see letterhead   Customer ⟦=C{d6}⟧   Due within 14-30 days
Bank: as on file (IBAN ending ⟦=0{d3}⟧)
===
§user
My IBAN is the same as before, the one with DE** **** **** ****  ⟦=4{d1}⟧, right?
§assistant
Yes, DE•• •••• •••• •••• ••⟦=4{d1}⟧ is on file. An IBAN has 15 to 34 characters; a German one 22 (DE + 2 + 18).
===
§user
How do I write a phone number for your form?
§assistant
With a plus sign, the country code and the digits, nothing else: +CC NNN NNNNNNN. At most 15 digits (E.164).
===
§user
can I reach somebody today? what are the hours
§assistant
Mon-Fri 08:00-18:00, Sat 09:00-13:00 (UTC+01:00). Desk 4-117, second floor. Your ticket: #⟦=8{d5}⟧.
===
§user
We handle 24/7? SLA 99.95 %, P1 in 15-30 min?
§assistant
Yes: P1 0:30, P2 4:00, P3 1-2 days. See section 4.2.1.3 of the contract ⟦=V-{d4}-{d3}⟧, pages 12-19.
===
§tool json
{"hotel": "⟦~Seeblick|Miramar|Old Mill⟧", "room": {"no": "⟦100-499⟧", "rate": ⟦money⟧}, "confirmation": "⟦=5{d9}⟧", "geo": [⟦lat⟧, ⟦lon⟧]}
§user
Check in ⟦date⟧, check out two days later?
§assistant
Confirmed under ⟦=5{d9}⟧: two nights, ⟦money⟧ in all, of which ⟦money⟧ city tax.
===
§user
How long is the code on the box? It says (01)⟦=0{d13}⟧(17)2712⟦10-30⟧(10)⟦=L{d5}⟧(21)⟦=7{d9}⟧
§assistant
It is GS1: a GTIN of 14 digits, an expiry date, a batch and a serial number.
===
§user
Read me the meter: ⟦=1{d2} {d3} {d3}⟧, serial ⟦=1ESY{d10}⟧, market location ⟦=5{d10}⟧.
§tool
OBIS 1-0:1.8.0*255(0⟦10000-99999⟧.4*kWh) 1-0:2.8.0*255(000000.0*kWh) 1-0:96.1.0*255(⟦=1ESY{d10}⟧)
===
§user
Translate: “⟦~The train leaves at 7:15 from platform 12.|Room 4-117 costs 89.00 per night.⟧”
§assistant
„⟦~Der Zug fährt um 7:15 Uhr von Gleis 12.|Zimmer 4-117 kostet 89,00 pro Nacht.⟧“ (Kapitel 3.2, S. 45–52, ISBN ⟦isbn⟧)
===
§tool
<ul class="prices"><li data-sku="⟦=SKU-{d4}-{d3}-{d4}⟧">&euro;&nbsp;⟦money⟧</li>
<li data-sku="⟦=SKU-{d4}-{d3}-{d4}⟧">&pound;⟦money⟧</li></ul>
<time datetime="⟦iso⟧T10:00:00+02:00">⟦date⟧</time><img src="/i/⟦=1{d9}⟧_600x800@2x.png" alt="">
===
§user
¿Qué números salieron? Boleto ⟦=0{d4}⟧, serie ⟦=1{d2}⟧
§assistant
Sorteo ⟦iso⟧: 04 - 11 - 19 - 23 - 38 - 45, complementario 07, reintegro 3; joker 8 ⟦100-999⟧ ⟦100-999⟧.
===
§user
Qual è il codice della spedizione? Ordine ⟦=IT-{d7}⟧, importo ⟦money⟧ €, protocollo n. ⟦=00{d5}/2025⟧
§assistant
Il codice è ⟦=1Z{A6}{d10}⟧, consegna il ⟦date⟧ tra le 9.00 e le 13.00. Scontrino ⟦=0{d3}-{d4}⟧.
===
§user
Qual o prazo? Processo ⟦=00{d5}-{d2}.2025.8.26.0{d3}⟧, nota fiscal ⟦=0{d2}.{d3}.{d3}⟧, série 1
§assistant
O prazo vai até ⟦date⟧ (15 dias úteis). Valor da causa: R$ ⟦1-90⟧.⟦100-999⟧,00.
"""
