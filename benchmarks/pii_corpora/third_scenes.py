"""Scenes of the third corpus with people in them: support, banks, travel, telecom, doctors, shops.

Scenes are divided by lines of ===, messages by lines that begin with § and name the role (or a call and its tool) and how
values are written there (json, html, wrap). ⟦email⟧ and its like are values to find, the other brackets are filled with
what is none: see benchmarks/pii_corpora/third.py.
"""

PEOPLE = r"""§user
⟦hi⟧ I ordered on ⟦date⟧ (order ⟦=ORD-{d8}⟧) and nothing has come. My address is ⟦email⟧, and you can also call ⟦phone+⟧ after five.
§assistant
I am looking it up.
§call find_order
{"order_id": "⟦=ORD-{d8}⟧", "email": "⟦email⟧", "include": ["items", "shipments"]}
§tool json
{"order": {"total": ⟦money⟧, "currency": "EUR", "customer": {"name": "⟦name⟧", "phone": "⟦phone⟧"}, "tracking": "⟦track⟧"}}
§assistant
Your parcel ⟦track⟧ is at the depot in ⟦city⟧ and goes out tomorrow.
===
§user
Bonjour, je souhaite être remboursé sur mon compte ⟦iban⟧. Mon numéro de dossier est le ⟦=FR-{d7}⟧. Joignable au ⟦phone:FR/BE⟧.
§call create_refund
{"case": "⟦=FR-{d7}⟧", "amount": "⟦money⟧", "iban": "⟦iban⟧", "beneficiary": "⟦name⟧"}
§tool
Remboursement enregistré le ⟦date⟧, référence ⟦=RB{d9}⟧.
===
§user
Guten Tag, ich möchte meine Bankverbindung ändern. Neu: ⟦iban⟧ (⟦name⟧). Rückfragen bitte unter ⟦phone:DE/AT/CH⟧ oder per Mail an ⟦email⟧!
§assistant
Gern. Ich ändere die Bankverbindung zu Ihrer Kundennummer ⟦=K-{d6}⟧.
§call update_customer
{"kunde": "⟦=K-{d6}⟧", "bank": {"iban": "⟦iban⟧", "inhaber": "⟦name⟧"}, "telefon": "⟦phone:DE/AT/CH⟧"}
===
§system
You help travellers rebook. Never read card numbers back. Today is ⟦iso⟧.
§user
Rebook us to the 7:40 on the ⟦date⟧ please, booking ⟦=X{A5}⟧. Charge ⟦card⟧, exp 0⟦1-9⟧/2⟦7-9⟧, and send the tickets to ⟦email⟧.
§call charge
{"booking": "⟦=X{A5}⟧", "amount_minor": ⟦1200-98000⟧, "pan": "⟦card⟧", "cvc_present": true}
§tool json
{"status": "declined", "code": "51", "attempt": ⟦1-3⟧, "receipt_to": "⟦email⟧"}
§user
ok then try my other one: ⟦card⟧
===
§user
Hola, soy ⟦name⟧. Cancelé la reserva ⟦=RES{d7}⟧ y quiero la devolución en la cuenta ⟦iban⟧, mi móvil es ⟦phone:ES/MX/AR⟧ (WhatsApp).
§tool
| campo | valor |
|---|---|
| reserva | ⟦=RES{d7}⟧ |
| titular | ⟦name⟧ |
| correo | ⟦email⟧ |
| teléfono | ⟦phone:ES⟧ |
| importe | ⟦money⟧ € |
===
§user
Olá! Não consigo entrar na minha conta. O e-mail é ⟦email⟧ e o telefone ⟦phone:PT/BR⟧. Obrigado
§call search_accounts
{"q": "⟦email⟧", "limit": 5}
§tool
id;nome;telefone;criado_em
⟦=8{d6}⟧;⟦name⟧;⟦phone:BR/PT⟧;⟦iso⟧
===
§user
Dzień dobry, proszę o zwrot na konto ⟦iban⟧, zamówienie nr ⟦=ZAM/{d4}/26⟧. Tel. ⟦phone:PL⟧
§assistant
Dziękuję. Potwierdzenie wyślę na ⟦email⟧.
===
§user
Goedemiddag, mijn pakket is niet aangekomen. Bel me op ⟦phone:NL/BE⟧ of mail ⟦email⟧. Het geld mag terug op ⟦iban⟧.
§tool wrap
klant: ⟦name⟧
rekening: ⟦iban⟧
tel: ⟦phone:NL⟧
status: wacht op vervoerder (⟦track⟧)
===
§user
Buongiorno, vorrei spostare la visita del ⟦date⟧. Il mio cellulare: ⟦phone:IT⟧; la mail è ⟦email⟧.
§call book_visit
{"reparto": "ortopedia", "paziente": "⟦name⟧", "contatto": "⟦phone:IT⟧", "data": "⟦iso⟧", "codice": "⟦=IT{d8}⟧"}
§tool json
{"esito": "ok", "promemoria": {"sms": "⟦phone:IT⟧", "email": "⟦email⟧"}}
===
§user
Merhaba, iade için IBAN'ım: ⟦iban⟧. Bana ⟦phone:TR⟧ numarasından ulaşabilirsiniz.
§assistant
Teşekkürler ⟦first⟧ Hanım, ⟦money⟧ TL iade ⟦date⟧ tarihine kadar hesabınıza geçer. Bilgi ⟦email⟧ adresine gönderildi.
===
§user
Namaste, mera recharge fail ho gaya par paise kat gaye. Mera mobile number ⟦phone:IN⟧ hai, email ⟦email⟧.
§call recharge_status
{"msisdn": "⟦phone:IN⟧", "txn": "⟦=TXN{d12}⟧", "circle": "MH"}
§tool
txn ⟦=TXN{d12}⟧ FAILED_AT_OPERATOR amount=⟦money⟧ refund_eta=48h
===
§user
予約の確認をお願いします。電話番号は⟦phone:JP⟧、メールは⟦asciiemail⟧です。
§assistant
⟦name⟧様、ご予約（番号⟦=R{d7}⟧）を確認しました。確認メールを「⟦email⟧」へお送りします。
===
§user
你好，我的订单⟦=DD{d10}⟧还没发货。手机号：⟦phone:CN⟧，邮箱：⟦email⟧。
§tool json
{"订单": "⟦=DD{d10}⟧", "收货人": "⟦name⟧", "电话": "⟦phone:CN⟧", "金额": ⟦money⟧, "状态": "已支付"}
§assistant
已为您催单，请留意⟦phone:CN⟧的短信。
===
§tool
From: ⟦name⟧ <⟦email⟧>
To: "Service, Rechnungen" <⟦email⟧>
Cc: ⟦email⟧, ⟦email⟧
Date: Tue, 4 Nov 2025 09:12:44 +0100
Subject: AW: Ihre Rechnung ⟦=RE-{d6}⟧

Anbei die Bankdaten:
⟦iban⟧
Mit freundlichen Grüßen
⟦name⟧
Tel.: ⟦phone:DE/AT/CH⟧

> Am ⟦date⟧ schrieb ⟦name⟧ (⟦email⟧):
> > bitte senden Sie uns die IBAN.
§assistant
The sender gave an account and a telephone number; the invoice is ⟦=RE-{d6}⟧.
===
§user
Import this contact please.
§tool
BEGIN:VCARD
VERSION:3.0
N:⟦family⟧;⟦first⟧;;;
FN:⟦name⟧
ORG:⟦company⟧
TEL;TYPE=CELL:⟦phone⟧
TEL;TYPE=WORK,VOICE:⟦phone+⟧
EMAIL;TYPE=INTERNET:⟦email⟧
ADR;TYPE=HOME:;;⟦street⟧;⟦city⟧;;⟦=8{d4}⟧;
REV:20251104T101500Z
END:VCARD
===
§tool
[⟦date⟧, 18:02] ⟦first⟧: did you send the deposit?
[⟦date⟧, 18:03] ⟦first⟧: not yet, which account
[⟦date⟧, 18:03] ⟦first⟧: ⟦iban⟧
[⟦date⟧, 18:09] ⟦first⟧: done. my new number btw ⟦phone+⟧
[⟦date⟧, 18:11] ⟦first⟧: 👍 mail me the receipt, ⟦email⟧
§assistant
The deposit was confirmed at 18:09; a receipt by mail is outstanding.
===
§tool
customer_id,name,email,phone,city,balance
⟦=1{d5}⟧,⟦name⟧,⟦email⟧,⟦phone+⟧,⟦city⟧,⟦money⟧
⟦=1{d5}⟧,⟦name⟧,⟦email⟧,⟦phone+⟧,⟦city⟧,⟦money⟧
⟦=1{d5}⟧,"⟦family⟧, ⟦first⟧",⟦email⟧,"⟦phone+⟧",⟦city⟧,-⟦money⟧
§assistant
Three customers match; one has a negative balance.
===
§tool
INSERT INTO `customers` (`id`,`name`,`mail`,`mobile`,`iban`,`created`) VALUES
(⟦1-9999⟧,'⟦name⟧','⟦email⟧','⟦phone+⟧','⟦iban⟧','⟦iso⟧ 10:22:01'),
(⟦1-9999⟧,'⟦name⟧','⟦email⟧',NULL,'⟦iban⟧','⟦iso⟧ 10:22:05');
-- 2 rows, 0 warnings
§assistant
The dump holds two customers.
===
§tool html
<table class="kv"><tr><th>Name</th><td>⟦name⟧</td></tr><tr><th>E-mail</th><td><a href="mailto:⟦email⟧">write</a></td></tr>
<tr><th>Phone</th><td><a href="⟦tellink⟧">call</a></td></tr><tr><th>Account</th><td>⟦iban⟧</td></tr></table>
§assistant
The page lists a mail address, a telephone number and an account.
===
§tool
<?xml version="1.0" encoding="UTF-8"?>
<CstmrCdtTrfInitn><GrpHdr><MsgId>⟦=M{d12}⟧</MsgId><CreDtTm>⟦iso⟧T08:00:00</CreDtTm><CtrlSum>⟦money⟧</CtrlSum></GrpHdr>
<PmtInf><Dbtr><Nm>⟦company⟧</Nm></Dbtr><DbtrAcct><Id><IBAN>⟦iban⟧</IBAN></Id></DbtrAcct>
<CdtTrfTxInf><Amt><InstdAmt Ccy="EUR">⟦money⟧</InstdAmt></Amt><CdtrAcct><Id><IBAN>⟦iban⟧</IBAN></Id></CdtrAcct></CdtTrfTxInf></PmtInf>
</CstmrCdtTrfInitn>
§assistant
One transfer, ready to be released.
===
§user
Which of these payments failed last week?
§tool
booked      | amount   | counterparty account              | purpose
------------+----------+-----------------------------------+--------------------
⟦iso⟧  | ⟦money⟧  | ⟦iban⟧ | invoice ⟦=R{d6}⟧
⟦iso⟧  | ⟦money⟧  | ⟦iban⟧ | rent
⟦iso⟧  | -⟦money⟧ | ⟦iban⟧ | returned, AC04
§assistant
The third one came back (account closed).
===
§system
You answer for the practice of Dr. ⟦family⟧. In an emergency tell patients to ring ⟦phone⟧.
§user
Hi, it is ⟦name⟧, born 12.03.1981. I need a prescription. The practice can ring me on ⟦phone⟧.
§call add_note
{"patient": "⟦name⟧", "note": "wants a prescription; callback ⟦phone+⟧, second contact ⟦email⟧", "priority": 2}
§tool
note ⟦1-900⟧ saved
===
§user
sim swap for ⟦phone+⟧ -> new ICCID ⟦=89{d2}-{A4}-{d4}⟧. account pin was checked
§call telecom.port
{"msisdn":"⟦phone+⟧","reason":"sim_swap","contact_email":"⟦email⟧"}
§tool json
{"ok":false,"error":"number ⟦phone+⟧ has an open order","order":"⟦=PO{d8}⟧"}
===
§user
⟦email⟧
§assistant
Thank you. And the number on your card?
§user
⟦card⟧
§assistant
And a telephone number for the courier?
§user
⟦phone+⟧
§assistant
All set, the order is ⟦=ORD-{d8}⟧.
===
§user
(⟦email⟧) – please unsubscribe; also [⟦email⟧] and "⟦email⟧", both are mine
§call unsubscribe
{"addresses": ["⟦email⟧", "⟦anyemail⟧"], "list": "weekly"}
§tool
2 removed
===
§assistant
I will open the preferences page.
§call open_url
{"url": "https://prefs.corvane.io/u?mail=⟦urlemail⟧&lang=de&t=⟦=1{d9}⟧"}
§tool
302 Found -> https://prefs.corvane.io/settings?email=⟦urlemail⟧
===
§tool
{"event":"checkout.completed","data":"{\"buyer\":{\"email\":\"⟦email⟧\",\"phone\":\"⟦phone+⟧\"},\"card\":\"⟦card⟧\"}"}
§assistant
The webhook's inner document names the buyer.
===
§tool wrap
Traceback (most recent call last):
  File "/srv/pay/charge.py", line ⟦10-900⟧, in charge
    gateway.authorise(pan, amount)
  File "/srv/pay/gateway.py", line ⟦10-900⟧, in authorise
    raise Declined(f"issuer refused {pan}")
pay.errors.Declined: issuer refused ⟦card⟧
§assistant
The log shows a full card number; it should be masked before logging.
===
§tool
⟦iso⟧T09:14:02.113Z INFO  pos-7 sale ok amount=⟦money⟧ card_number=⟦card⟧ auth=⟦=0{d5}⟧ rrn=⟦=6{d11}⟧
⟦iso⟧T09:14:40.870Z WARN  pos-7 fallback magstripe pan="⟦card⟧" auth=⟦=0{d5}⟧
⟦iso⟧T09:15:11.002Z INFO  pos-3 refund amount=⟦money⟧ card_number: ⟦card⟧
===
§user
Meine Kreditkarte ⟦card⟧ wurde doppelt belastet (⟦date⟧, je ⟦money⟧ Euro). Bitte prüfen!
§assistant
Ich prüfe die beiden Buchungen und melde mich unter ⟦email⟧.
===
§user
J'ai changé de carte bancaire : ⟦card⟧, valable jusqu'au 0⟦1-9⟧/28. L'ancienne était la ⟦card⟧.
§call wallet.replace
{"customer":"⟦=cus_{d8}⟧","new":"⟦card⟧","default":true}
§tool
carte remplacée
===
§user
Cobrar na tarjeta ⟦card⟧? No, mejor en la otra, la ⟦card⟧, a nombre de ⟦name⟧.
§call pay
{"tarjeta": "⟦card⟧", "importe": "⟦money⟧", "moneda": "EUR", "pedido": "⟦=P{d6}⟧"}
===
§tool
type: customer
id: ⟦=c_{l10}⟧
name: ⟦name⟧
contacts:
  - kind: email
    value: ⟦email⟧
  - kind: mobile
    value: "⟦phone+⟧"
payment:
  method: card
  number: ⟦card⟧
  expires: 2028-0⟦1-9⟧
§assistant
The record is complete.
===
§user
Summarise this voicemail.
§tool
Transcript (00:41): Hi, this is ⟦first⟧ from ⟦company⟧ about quote ⟦=Q-{d5}⟧. Please ring me back on ⟦phone:US/CA/GB/AU⟧, that is
⟦phone:US/CA/GB/AU⟧ in the evening, or just write to ⟦email⟧. Thanks, bye.
§assistant
⟦first⟧ from ⟦company⟧ asks for a call about quote ⟦=Q-{d5}⟧.
===
§tool
# Vendors

| vendor | contact | phone | pays to |
|:--|:--|--:|:--|
| ⟦company⟧ | <⟦email⟧> | ⟦phone+⟧ | `⟦iban⟧` |
| ⟦company⟧ | [⟦first⟧](mailto:⟦email⟧) | ⟦phone+⟧ | `⟦iban⟧` |
§assistant
Both vendors have an account on file.
===
§user
whatsapp me https://wa.me/⟦wa⟧ or telegram, whatever. If not: ⟦phone+⟧.
§assistant
I noted the number and will use WhatsApp.
===
§call send_sms
{"to": "⟦phone+⟧", "text": "Your code is ⟦=4{d5}⟧. It is valid for 10 minutes."}
§tool json
{"sid": "⟦=SM-{x12}⟧", "to": "⟦phone+⟧", "from": "⟦phone+⟧", "segments": 1, "price": "0.0075"}
===
§tool
\u003cp\u003eKontakt: \u003ca href=\"mailto:⟦email⟧\"\u003e⟦name⟧\u003c/a\u003e, Telefon ⟦phone:DE⟧\u003c/p\u003e
§assistant
The imprint names a contact.
===
§user
Ciao, il bonifico è tornato indietro. L'IBAN giusto è questo:⟦iban⟧.Grazie
§assistant
Grazie a lei. Correggo l'IBAN e rimando il bonifico di ⟦money⟧ €.
===
§system
Customer on the line: ⟦name⟧ <⟦anyemail⟧>, phone ⟦phone+⟧, tier gold, since ⟦iso⟧.
§user
⟦~Where is my refund?|I want to change my seat.|Why was I charged twice?⟧
§call lookup
{"customer_email": "⟦email⟧"}
§tool
{"refunds": [{"amount": ⟦money⟧, "to_iban": "⟦iban⟧", "state": "sent"}]}
===
§tool
Event: dental check-up
DTSTART;TZID=Europe/Vienna:20251⟦101-231⟧T083000
ORGANIZER;CN=⟦name⟧:mailto:⟦email⟧
ATTENDEE;ROLE=REQ-PARTICIPANT;CN="⟦name⟧":mailto:⟦email⟧
DESCRIPTION:Rückfragen: ⟦phone:AT/DE⟧\nAdresse: ⟦street⟧\, ⟦city⟧
UID:⟦uuid⟧
===
§user
Please wire it: beneficiary ⟦name⟧, IBAN/⟦iban⟧/BIC ⟦=KRE{A5}⟧, ref ⟦=INV{d5}⟧.
§call wire
{"to":{"iban":"⟦iban⟧","name":"⟦name⟧"},"eur":⟦money⟧,"urgent":false}
§tool
queued as ⟦uuid⟧
===
§tool
"⟦family⟧";"⟦first⟧";"⟦email⟧";"⟦phone+⟧";"⟦iban⟧"
"⟦family⟧";"⟦first⟧";"⟦email⟧";"⟦phone+⟧";"⟦iban⟧"
§assistant
The export has no header; its columns look like name, first name, e-mail, phone, IBAN.
===
§user
Our front desk moved: Tel ⟦phone:DE/AT/CH⟧, Fax ⟦phone:DE/AT/CH⟧, mobil ⟦phone:DE/AT/CH⟧. Change it on the site, please.
§call patch_page
{"path": "/kontakt", "replace": {"tel": "⟦phone:DE/AT/CH⟧"}, "commit": "⟦=x{x6}⟧"}
===
§user
Hej, kan ni ringa mig på ⟦phone:SE/NO/DK/FI⟧? Mitt konto är ⟦iban⟧ och e-posten ⟦email⟧.
§assistant
Tack ⟦first⟧! Vi ringer ⟦date⟧ mellan 9 och 12.
===
§user
Prosím o platbu kartou ⟦card⟧, platnost 1⟦0-2⟧/28, jméno ⟦name⟧. Díky
§call charge_card
{"card": {"number": "⟦card⟧", "exp_month": ⟦1-12⟧, "exp_year": 2028}, "amount": {"value": ⟦money⟧, "currency": "CZK"}}
===
§tool
txn_id,ts,pan,amount,mcc,arn
⟦=9{d8}⟧,⟦epoch⟧,⟦card⟧,⟦money⟧,5411,⟦=7{d22}⟧
⟦=9{d8}⟧,⟦epoch⟧,⟦card⟧,⟦money⟧,4121,⟦=7{d22}⟧
⟦=9{d8}⟧,⟦epoch⟧,⟦card⟧,⟦money⟧,7011,⟦=7{d22}⟧
§assistant
Three payments with full card numbers; the ARN is the acquirer's reference.
===
§user
⟦~Kart numaram|Numer mojej karty to|Il numero della carta è|O número do cartão é⟧ ⟦card⟧, ⟦date⟧.
§assistant
Danke / thanks – please use the secure form next time. Is ⟦card⟧ the old one?
===
§tool html
<form><label>Card number <input name="cc-number" autocomplete="cc-number" value="⟦card⟧"></label>
<label>E-mail <input type="email" value="⟦email⟧"></label><input name="csrf" value="⟦uuid⟧"></form>
===
§tool json
{"paymentMethods": [{"brand": "visa", "pan": "⟦card⟧"}, {"brand": "mc", "pan": "⟦card⟧"}], "default": 0, "holder": "⟦name⟧"}
§assistant
Two cards are stored in plain text.
===
§user
カード番号は「⟦card⟧」です。有効期限は2028年⟦1-12⟧月です。
§assistant
ありがとうございます。お支払い⟦100-900⟧円を承りました。
"""
