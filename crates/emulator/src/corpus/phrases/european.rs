//! English, Spanish, Russian, German.

use super::Language;

pub(super) static ENGLISH: Language = Language {
    locale: "en-US",
    templates: &[
        "Did anyone see the #n near #p?",
        "The #n is #q, I'll #v #m.",
        "#w wants to #v before #t.",
        "Can you #v the #n #m? It's #q.",
        "We moved #d crates to #p and the #n is #q now.",
        "I'm at #p, the #n looks #q.",
        "Please ask #w about the #n, ticket #d.",
        "Meeting at #p at #t, bring the #n.",
        "#w says the #n costs $#d.",
        "No worries, #w will #v it #m.",
        "The #n from #p arrived #m, but it was #q.",
        "Let's #v the #n first and talk about #p later.",
        "Why is the #n always #q when #w is around?",
        "Photo of the #n: https://img.example.com/p/#d",
        "Happy birthday, #w! Cake at #p, #t.",
        "I can't #v the #n, it says error #d.",
        "Tell #w that #p is #q until #t.",
        "That #n at #p? #q, honestly.",
    ],
    things: &[
        "winch", "tide table", "invoice", "password", "engine", "coffee machine", "spare key", "radio", "fuel pump",
        "weather report", "new build", "login page", "delivery van", "projector", "mooring line", "first-aid kit",
        "contract", "timetable", "compass", "sail", "ticket printer", "backup", "charger", "chart plotter", "life raft",
        "purchase order", "anchor chain", "crane", "paint", "manual",
    ],
    places: &[
        "berth four", "the north mole", "the fuel pier", "the office", "gate 12", "the fish market", "the old slipway",
        "the customs shed", "the third floor", "the canteen", "the car park", "the outer buoy", "platform 2",
        "the boat house", "reception", "the repair yard", "the ferry terminal", "the east quay", "the library",
        "the server room",
    ],
    people: &[
        "Mara", "the harbour master", "Teo", "the new intern", "Ondine", "the pilot", "accounting", "the night watch",
        "Dr. Okafor", "the plumber", "my sister", "the skipper", "customer support", "Ivo", "the landlord", "Priya",
    ],
    deeds: &[
        "fix", "paint", "check", "return", "replace", "photograph", "order", "clean", "measure", "restart", "inspect",
        "sell", "rename", "wrap up", "pick up", "test", "unload", "forget",
    ],
    states: &[
        "broken", "ready", "wet", "overdue", "fine", "louder than usual", "missing", "half empty", "too heavy",
        "spotless", "frozen", "on fire (not literally)", "cheaper than expected", "stuck", "brand new", "upside down",
    ],
    times: &[
        "tomorrow", "after lunch", "tonight", "next week", "on Friday", "right now", "before the storm", "at dawn",
        "in an hour", "when the tide turns", "this afternoon", "by Monday",
    ],
    short: &[
        "ok", "thanks!", "on my way", "lol", "yes please", "no", "good morning", "see you there", "done", "hmm",
        "What?", "brb", "same here", "Great news!!", "10-4",
    ],
    joint: " ",
};

pub(super) static SPANISH: Language = Language {
    locale: "es-MX",
    templates: &[
        "¿Alguien vio #n cerca de #p?",
        "Creo que #n está #q, lo vemos #m.",
        "#w quiere #v #n antes de las #t.",
        "¿Puedes #v #n #m, por favor?",
        "Estoy en #p y #n sigue #q.",
        "Pregúntale a #w por #n, pedido #d.",
        "Nos vemos en #p a las #t.",
        "Dice #w que #n cuesta #d pesos.",
        "¡Qué lástima! #w no pudo #v #n.",
    ],
    things: &[
        "el ancla", "la factura", "el motor", "la contraseña", "el cargador", "la bomba", "el informe", "la llave",
        "el paraguas", "la brújula", "el camión", "la señal", "el muñeco", "la radio",
    ],
    places: &[
        "el muelle norte", "la oficina", "el mercado", "la estación", "el faro viejo", "la cafetería", "el astillero",
        "la bahía", "el segundo piso",
    ],
    people: &["Lucía", "el capitán", "Begoña", "mi vecino", "la doctora Núñez", "el piloto", "Íñigo", "la jefa"],
    deeds: &["reparar", "pintar", "devolver", "revisar", "limpiar", "pedir", "medir", "vender", "reiniciar"],
    states: &["listo", "mojado", "vacío", "atascado", "mejor que ayer", "lleno de sal", "como nuevo", "en el taller"],
    times: &["mañana", "esta noche", "el viernes", "después de comer", "ahora mismo", "la próxima semana", "al amanecer"],
    short: &["vale", "gracias", "¡sí!", "jajaja", "buenos días", "ya voy", "¿qué?", "no sé"],
    joint: " ",
};

pub(super) static RUSSIAN: Language = Language {
    locale: "ru-RU",
    templates: &[
        "Кто видел #n возле #p?",
        "Кажется, #n #q, посмотрим #m.",
        "#w просит #v #n до #t.",
        "Можешь #v #n #m?",
        "Я около #p, #n #q.",
        "Спроси про #n, заявка #d: #w в курсе.",
        "Встречаемся у #p в #t.",
        "#w говорит, что #n стоит #d рублей.",
        "Ёлки, опять #n #q!",
    ],
    things: &[
        "якорь", "счёт", "двигатель", "пароль", "насос", "отчёт", "ключ", "компас", "зарядка", "грузовик", "радио",
        "чертёж", "парус", "канат",
    ],
    places: &[
        "северного мола", "офиса", "рынка", "вокзала", "старого маяка", "столовой", "верфи", "причала", "второго этажа",
    ],
    people: &["Мария", "капитан", "Пётр", "сосед", "лоцман", "бухгалтер", "Алёна", "дежурный"],
    deeds: &["починить", "покрасить", "проверить", "вернуть", "заказать", "измерить", "продать", "перезапустить"],
    states: &["готов", "промок", "опаздывает", "застрял", "сломан", "почти пуст", "как новый", "дешевле, чем вчера"],
    times: &["завтра", "вечером", "в пятницу", "после обеда", "прямо сейчас", "на рассвете", "через час"],
    short: &["ок", "спасибо", "да", "нет", "доброе утро", "уже иду", "ха-ха", "что?"],
    joint: " ",
};

pub(super) static GERMAN: Language = Language {
    locale: "de-DE",
    templates: &[
        "Hat jemand #n bei #p gesehen?",
        "Ich glaube, #n ist #q – wir sehen #m nach.",
        "#w möchte #n bis #t #v.",
        "Kannst du #n #m #v?",
        "Bin gerade bei #p, #n ist #q.",
        "Frag bitte #w nach Auftrag #d, es geht um #n.",
        "Treffen um #t bei #p, bring #n mit.",
        "#w meint, #n kostet #d €.",
        "Schöne Grüße von #w, #n wird #m fertig.",
    ],
    things: &[
        "die Winde", "das Kühlwasser", "der Schlüssel", "die Rechnung", "das Passwort", "der Kompass", "die Fähre",
        "das Segel", "die Gezeitentafel", "das Handbuch", "der Außenborder", "die Öllampe", "das Müsli", "die Straßenkarte",
    ],
    places: &[
        "der Nordmole", "dem Büro", "Tor 12", "der Werft", "der Brücke", "dem Zollhaus", "der Kantine", "Steg 4",
        "dem Bäcker",
    ],
    people: &["Jürgen", "die Lotsin", "Käthe", "der Hafenmeister", "Frau Weiß", "die Nachtwache", "Özgür", "mein Bruder"],
    deeds: &["reparieren", "streichen", "prüfen", "zurückgeben", "bestellen", "säubern", "vermessen", "neu starten"],
    states: &["kaputt", "fertig", "überfällig", "klitschnass", "verschwunden", "halb leer", "zu schwer", "günstiger als gedacht"],
    times: &["morgen", "heute Abend", "am Freitag", "nach dem Essen", "sofort", "nächste Woche", "bei Flut"],
    short: &["ok", "danke!", "ja", "nee", "moin", "bin gleich da", "haha", "Wie bitte?"],
    joint: " ",
};
