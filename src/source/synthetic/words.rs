//! The words that categories, searches, filters and reviews are made of.

/// Part of the shop: a branch of the category tree.
pub(super) struct Department {
    /// First part of its categories' names.
    pub(super) name: &'static str,
    /// Its leaves.
    pub(super) categories: [Category; 4],
    /// Who makes what it sells.
    pub(super) brands: [&'static str; 10],
    /// Filters that make sense here, beside brand, price and rating.
    pub(super) filters: &'static [(&'static str, &'static [&'static str])],
}

/// A leaf of the category tree.
pub(super) struct Category {
    /// Second part of its name.
    pub(super) name: &'static str,
    /// Cheapest and dearest item, in whole units of the currency.
    pub(super) prices: (u32, u32),
    /// What people call its items.
    pub(super) products: [&'static str; 6],
}

const COLORS: &[&str] =
    &["black", "white", "grey", "blue", "navy", "red", "green", "yellow", "brown", "beige", "pink", "purple"];
const CLOTHING_SIZES: &[&str] = &["XS", "S", "M", "L", "XL", "XXL"];
const SHOE_SIZES: &[&str] = &["36", "37", "38", "39", "40", "41", "42", "43", "44", "45", "46"];
const ROOM_SIZES: &[&str] = &["small", "medium", "large"];

const fn category(name: &'static str, prices: (u32, u32), products: [&'static str; 6]) -> Category {
    Category { name, prices, products }
}

/// The category tree.
pub(super) const DEPARTMENTS: [Department; 6] = [
    Department {
        name: "electronics",
        categories: [
            category(
                "phones",
                (79, 1399),
                ["smartphone", "phone case", "screen protector", "charging cable", "power bank", "prepaid phone"],
            ),
            category(
                "computers",
                (24, 2499),
                ["laptop", "gaming laptop", "monitor", "mechanical keyboard", "wireless mouse", "usb c hub"],
            ),
            category(
                "audio",
                (15, 899),
                ["headphones", "earbuds", "bluetooth speaker", "soundbar", "turntable", "microphone"],
            ),
            category(
                "cameras",
                (29, 3299),
                ["mirrorless camera", "tripod", "camera bag", "memory card", "action camera", "zoom lens"],
            ),
        ],
        brands: [
            "Voltera",
            "Nexiq",
            "Auralis",
            "Pixelworks",
            "Kestrel",
            "Lumière",
            "Orbitron",
            "Hanami",
            "Tekton",
            "Brightwave",
        ],
        filters: &[("color", COLORS)],
    },
    Department {
        name: "fashion",
        categories: [
            category("women", (9, 349), ["summer dress", "blouse", "jeans", "winter coat", "cardigan", "midi skirt"]),
            category("men", (9, 399), ["shirt", "chinos", "hoodie", "leather jacket", "polo shirt", "suit"]),
            category(
                "shoes",
                (19, 289),
                ["sneakers", "running shoes", "ankle boots", "sandals", "loafers", "hiking boots"],
            ),
            category("accessories", (5, 229), ["belt", "scarf", "sunglasses", "wallet", "backpack", "beanie"]),
        ],
        brands: [
            "Maren",
            "Oakfield",
            "Sól",
            "Brixton Row",
            "Juno & Ash",
            "Northbound",
            "Pellegrino",
            "Vireo",
            "Calder",
            "Umi",
        ],
        filters: &[("color", COLORS), ("size", CLOTHING_SIZES), ("shoe_size", SHOE_SIZES)],
    },
    Department {
        name: "home",
        categories: [
            category(
                "kitchen",
                (6, 499),
                ["frying pan", "coffee grinder", "chef knife", "kettle", "baking tray", "espresso machine"],
            ),
            category(
                "furniture",
                (29, 1899),
                ["desk", "bookshelf", "sofa", "office chair", "bed frame", "coffee table"],
            ),
            category(
                "lighting",
                (8, 329),
                ["desk lamp", "floor lamp", "led bulb", "string lights", "ceiling light", "night light"],
            ),
            category(
                "garden",
                (4, 799),
                ["lawn mower", "garden hose", "plant pot", "pruning shears", "parasol", "raised bed"],
            ),
        ],
        brands: [
            "Hearthstone",
            "Fjordly",
            "Copperleaf",
            "Tindra",
            "Modulo",
            "Greenhand",
            "Casa Alba",
            "Ember",
            "Stillwater",
            "Møbel",
        ],
        filters: &[("color", COLORS), ("size", ROOM_SIZES)],
    },
    Department {
        name: "sports",
        categories: [
            category(
                "cycling",
                (7, 2799),
                ["road bike", "bike helmet", "bike lock", "cycling gloves", "bike pump", "pannier bag"],
            ),
            category(
                "outdoor",
                (5, 649),
                ["tent", "sleeping bag", "headlamp", "water bottle", "camping stove", "trekking poles"],
            ),
            category(
                "fitness",
                (6, 1299),
                ["yoga mat", "dumbbells", "resistance bands", "rowing machine", "kettlebell", "foam roller"],
            ),
            category(
                "team-sports",
                (8, 199),
                ["football", "basketball", "shin guards", "volleyball", "goalkeeper gloves", "handball"],
            ),
        ],
        brands: [
            "Apex",
            "Stride",
            "Granite Peak",
            "Velo Sud",
            "Ironline",
            "Tarn",
            "Rally",
            "Summit & Sons",
            "Kaze",
            "Outpost",
        ],
        filters: &[("color", COLORS), ("size", CLOTHING_SIZES)],
    },
    Department {
        name: "media",
        categories: [
            category(
                "books",
                (3, 79),
                ["crime novel", "cookbook", "biography", "travel guide", "science fiction novel", "poetry"],
            ),
            category(
                "games",
                (9, 89),
                ["board game", "card game", "video game", "puzzle", "game controller", "dice set"],
            ),
            category(
                "music",
                (7, 199),
                ["vinyl record", "guitar strings", "ukulele", "sheet music", "drum sticks", "metronome"],
            ),
            category(
                "stationery",
                (1, 69),
                ["notebook", "fountain pen", "planner", "sketchbook", "highlighters", "desk organizer"],
            ),
        ],
        brands: [
            "Paperbark",
            "Quill",
            "Harbour Press",
            "Meridian",
            "Tabletop Co",
            "Inkwell",
            "Nocturne",
            "Lark",
            "Folio",
            "Blå",
        ],
        filters: &[
            ("format", &["hardcover", "paperback", "digital", "boxed set"]),
            ("language", &["en", "de", "fr", "es"]),
        ],
    },
    Department {
        name: "care",
        categories: [
            category("beauty", (4, 149), ["face cream", "lipstick", "shampoo", "perfume", "nail polish", "sunscreen"]),
            category(
                "health",
                (3, 189),
                [
                    "vitamin d",
                    "blood pressure monitor",
                    "electric toothbrush",
                    "first aid kit",
                    "heating pad",
                    "thermometer",
                ],
            ),
            category(
                "baby",
                (5, 599),
                ["stroller", "diapers", "baby monitor", "baby blanket", "high chair", "pacifier"],
            ),
            category(
                "pets",
                (3, 249),
                ["dog food", "cat tree", "dog leash", "litter box", "bird cage", "aquarium filter"],
            ),
        ],
        brands: [
            "Botanica",
            "Pure & Plain",
            "Aveline",
            "Sanus",
            "Little Fox",
            "Pawsome",
            "Dermé",
            "Wellspring",
            "Tumble",
            "Milo",
        ],
        filters: &[("pack_size", &["single", "pack of 2", "pack of 5", "pack of 10", "bulk"])],
    },
];

/// Price ranges and ratings to filter by, everywhere.
pub(super) const COMMON_FILTERS: [(&str, &[&str]); 2] =
    [("price", &["0-25", "25-50", "50-100", "100-200", "200-500", "500+"]), ("rating", &["4.5+", "4+", "3+", "2+"])];

/// What people put before a product when they search.
pub(super) const QUERY_PREFIXES: [&str; 5] = ["cheap", "best", "used", "small", "gift"];

/// What people put after a product when they search.
pub(super) const QUERY_SUFFIXES: [&str; 3] = ["sale", "for beginners", "near me"];

/// What a review of each rating, worst first, says: openings, details and closings.
pub(super) struct Opinion {
    /// First sentences; each is a review by itself.
    pub(super) openings: [&'static str; 8],
    /// Second sentences.
    pub(super) details: [&'static str; 8],
    /// Last sentences.
    pub(super) closings: [&'static str; 4],
}

/// The opinions behind one star to five.
pub(super) const OPINIONS: [Opinion; 5] = [
    Opinion {
        openings: [
            "Broke after two days.",
            "Complete waste of money.",
            "Arrived damaged.",
            "Does not work at all.",
            "Nothing like the pictures.",
            "Very disappointed.",
            "Avoid this one!",
            "Wrong item was sent, twice.",
        ],
        details: [
            "The box was already open and a part was missing.",
            "Support never answered my mails.",
            "It smells of cheap plastic and the seams come apart.",
            "The so-called \"premium\" finish came off at once.",
            "It stopped for good in the middle of the first use.",
            "The size on the label has nothing to do with the real one.",
            "I followed the manual step by step and still got nowhere.",
            "Mine had clearly been used by someone else before.",
        ],
        closings: ["Sent it back.", "I want my money back.", "Zero stars if I could.", "Never again from this shop."],
    },
    Opinion {
        openings: [
            "Not what I hoped for.",
            "Rather poor quality.",
            "Works, but only just.",
            "Looks better than it is.",
            "Too expensive for what you get.",
            "I expected more.",
            "Meh.. would not buy again.",
            "Feels cheap.",
        ],
        details: [
            "One of the screws was missing and the other did not fit.",
            "The colour is far off from what the page shows.",
            "It is much louder than the description says.",
            "Delivery took three weeks instead of three days.",
            "The material is thin and creases at once.",
            "The manual is hardly readable, a bad translation.",
            "It wobbles whatever I do.",
            "After one wash it had lost its shape.",
        ],
        closings: [
            "Two stars for the design.",
            "There must be better ones.",
            "Kept it only because returning costs extra.",
            "A pity.",
        ],
    },
    Opinion {
        openings: [
            "It is okay so far.",
            "Does the job, no more.",
            "Average product.",
            "Good idea, mixed execution.",
            "Fine for the price.",
            "Neither good nor bad.",
            "Decent, with some flaws.",
            "Three stars feels fair.",
        ],
        details: [
            "It runs a bit small, so order one size up.",
            "Assembly took longer than it should have.",
            "Quality is all right but the packaging is far too big.",
            "It does what it should, though it is not very sturdy.",
            "The colour is nice, the cable could be longer.",
            "I use it now and then, for every day it would be too weak.",
            "Shipping was quick, the product itself is nothing special.",
            "Some corners were not finished well.",
        ],
        closings: [
            "You get what you pay for.",
            "Might buy it again on sale.",
            "Good enough for me.",
            "Let's see how long it lasts.",
        ],
    },
    Opinion {
        openings: [
            "Good product.",
            "Happy with it.",
            "Solid and well made.",
            "Very good value.",
            "Nice, with one small flaw.",
            "Does exactly what it says.",
            "Better than the one I had before.",
            "Would recommend.",
        ],
        details: [
            "Setup took five minutes and everything fitted.",
            "It feels sturdy and looks good, only the manual is thin.",
            "Delivery was a day late, the product made up for it.",
            "My daughter uses it every day and it still looks new.",
            "The finish is neat and the weight is just right.",
            "One star less because there is no spare part in the box.",
            "It is quieter than I thought and easy to clean.",
            "Fits as described, the material is pleasant.",
        ],
        closings: ["I would buy it again.", "Good job by the maker.", "Four stars, well earned.", "Recommended."],
    },
    Opinion {
        openings: [
            "Simply love it!",
            "Excellent quality.",
            "Exactly what I was looking for.",
            "Best purchase this year.",
            "Perfect, and delivered overnight.",
            "Five stars, no doubt.",
            "Fantastic 👍",
            "Très bien, merci!",
        ],
        details: [
            "The quality is far better than the price suggests.",
            "It arrived well packed and a day early.",
            "I have used it every day for a month without a single problem.",
            "My whole family has asked where I got it.",
            "Every detail is thought through, even the box is nice.",
            "It fits perfectly and the colour is just like in the pictures.",
            "So easy to use that I never opened the manual.",
            "I bought a second one for my parents.",
        ],
        closings: ["Thank you!", "Highly recommended.", "Will order again.", "Could not be happier."],
    },
];
