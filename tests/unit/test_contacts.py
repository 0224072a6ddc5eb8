"""What the page points out before it is sent: numbers and addresses that lead to a person, and nothing else."""

from pathlib import Path

from tests.support import node

CONTACTS = Path(__file__).with_name("contacts.js")

FOUND = {
    "phone": [
        "+49 171 1234567", "ring me: +49 (0)171 123 45 67", "+33 6 12 34 56 78", "+1 (415) 555-0132", "+447700900123",
        "+380 67 123 45 67", "0048 601 234 567", "+55 11 91234-5678", "+81 90-1234-5678", "+90 532 123 45 67",
        "06 12 34 56 78", "06.12.34.56.78", "06-12-34-56-78", "0171/1234567", "0171 - 123 45 67", "07700 900123",
        "(030) 1234567", "(415) 555-0132", "415-555-0132", "415.555.0132", "415 555 0132", "4155550132",
        "13812345678", "138 1234 5678", "010-1234-5678", "052-123-4567", "8 (912) 345-67-89", "347 123 4567",
        "612 345 678", "612345678", "600 100 205", "98765 43210", "55 1234 5678", "(11) 91234-5678", "12 34 56 78",
        "912 34 567", "9123 4567", "91234567", "0412 345 678", "067 123 45 67", "wa.me/491711234567",
        "tel:0171 1234567, after 18:30", "٠٥٠١٢٣٤٥٦٧", "۰۹۱۲ ۱۲۳ ۴۵۶۷", "०९८७६५४३२१०", "\uff10\uff19\uff10-1234-5678",
        "30.11.2026, 0171 1234567", "my number\n0171\u00a0123\u202f4567",
    ],
    "mail": ["me@example.org", "Write to anna.b+chat@mail.example.co.uk!", "jürgen@müller.example", "поза@пошта.укр",
        "anna at example dot org", "anna.b (at) example.co.uk", "anna[at]example[dot]de", "anna (@) mail.example.pl",
        "Anna AT example DOT com", "anna (at) beispiel punkt de",
    ],
    "street": [
        "Hauptstraße 5", "hauptsächlich Lange Straße 12a", "Hauptstr. 12", "Lindenallee 3", "Kerkstraat 12",
        "221b Baker Street", "10 Downing St", "1600 Pennsylvania Ave", "5 High Road, London", "12 rue de la République",
        "12 bis, avenue d'Italie", "5 Rue Victor Hugo", "Calle Mayor 5", "calle de Alcalá, 20", "Plaza de España 3",
        "Rua Augusta, 1500", "Avenida Paulista 900", "Via Roma 12", "Piazza del Popolo, 3", "ul. Długa 5",
        "al. Jerozolimskie 10", "вул. Хрещатик 22", "улица Ленина, 5", "Atatürk Caddesi No: 5", "İstiklal Cad. 10",
        "Storgatan 5", "Storgata 12", "〒150-0001", "中山路88号",
        "hauptstraße 5", "berliner hauptstr. 12", "ottakringer gasse 3 or ringgasse 3", "12 rue de la paix",
        "12, rue du faubourg", "12 avenue d'italie", "ul. długa 7", "ул. ленина, 5", "221b baker street",
    ],
}  # fmt: skip
NOTHING = [
    "", "hello", "1984", "in 2026", "2019-2026", "1990 2001 2026", "from 1914 to 1918", "summer 2025/2026", "10:30",
    "at 10:30-11:45", "10.30-11.45", "10h30", "see you at 20:45 on 30.11.2026", "2026-11-30 20:45", "30/11/2026",
    "30 11 2026", "1.2.26", "11/30/26", "20261130", "3:2", "21:19, 18:21", "6-4 6-4 7-5", "21-18 21-15",
    "25-23 25-21 20-25 15-13", "won 3-0", "5 €", "€1,299.00", "1.299,00 €", "1 299 000 Ft", "$12,345,678", "12.345.678",
    "2 500 000", "500 000 000 people", "4000-5000", "10000-15000", "1299-1499 euros", "12 500 000 zł", "10000000",
    "3.14159265", "45.7578, 4.832", "192.168.1.100", "10.15.7.1", "1920x1080", "1024 2048 4096", "100 200 300 400",
    "1 2 3 4 5 6 7 8 9 10", "10 20 30 40", "4111 1111 1111 1111", "978-3-16-148410-0", "DE89 3704 0044 0532 0130 00",
    "room 1204", "75001 Paris", "10 km", "1234567", "route 66", "24/7", "007", "50 %", "100000 people",
    "I am 25, you are 27", "2 + 2 = 4", "@somebody", "a@b", "me @ work", "two streets further", "a 4 lane road",
    "on the street at 10", "10 minutes from the road", "calle a las 10", "Plaza Mayor 10:30", "Platz 3", "Parkplatz 7",
    "1 rue plus loin", "navigate 5", "via Zoom at 10", "Dekade 90", "2 avenues", "line 14, then bus 38",
    "Rocky 4 and Saw 10", "99 Luftballons", "Blink 182", "Area 51 at 9", "1000 1000 1000", "000000000",
    "look at the dot", "meet me at example", "at 5 dot com", "it is at most 3.5", "we met at home. me too",
    "1 way street", "2 blocks down the street", "the 3 rue names", "à 2 rues de la gare", "strasse 5", "minister 5",
    "master. 5",
]  # fmt: skip


def test_contacts_are_found_and_other_numbers_are_not() -> None:
    expected = [(text, kind) for kind, texts in FOUND.items() for text in texts] + [(text, "") for text in NOTHING]
    found = node.answer(CONTACTS, [text for text, _ in expected])
    assert [(text, kind) for (text, _), kind in zip(expected, found, strict=True)] == expected
    assert len(expected) > 160


def test_a_text_of_any_kind_takes_no_time() -> None:
    """As long as a message may be, made for regular expressions that try everything."""
    pieces = ("1 ", "1.", "1-", "a@", "a.", "A ", "12 Ab ", "via A ", "A b ", "(", "+1", "9 Aa Aa Aa ", "calle de ")
    texts = [(piece * 2_000)[:2_000] for piece in pieces]
    assert len(node.answer(CONTACTS, texts)) == len(texts)
