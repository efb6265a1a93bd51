"""Words for the synthetic texts: real ones for keys and fillers, made-up ones for the values that must be copied."""

# ruff: noqa: SIM905 (word lists are read as text)
from __future__ import annotations

from random import Random

NOUNS = """
account address agent alarm amount angle animal answer area artist asset author badge balance band bank basket batch
batch battery beam bill binding blade block board body bolt bonus border bottle box branch brand bridge brush budget
buffer build bundle buyer cable camera carrier cart case category chain channel charge chart class clerk client clock
coach coat code coin colour comment company contact cost counter country course cover crew currency curve customer cycle
deadline dealer delay deposit depth desk detail device diet distance district dose driver duration edge editor effect
engine entry error event expert factor fee field figure file filter flag flavour floor format frame fruit fuel garden
gate gear gift goal grade grid group guard guest guide handle harbour hazard height hint holder host house icon image
impact index input island issue item job journal judge key kind label lamp language layer leader leaf length lens level
licence limit line link list load lock log machine manager map margin mark market material measure member memory menu
message method metal metric mode model module month motor mount name network node note number object offer office option
order origin output owner pack page paint panel paper parcel parent park part partner path pattern payment phase phone
piece pilot pipe place plan plant plate player point policy pool port position pressure price priority process product
profile program project query queue rack range rank rate rating ratio reader reason record region remark rent repair
reply report result review reward ring risk river road role roof room root route row rule sample scale scene schedule
school scope score screen season seat section seller sender series serial server service set shape sheet shelf shift
ship shop side sign signal site size skill slot smell song sound source space speed stage stamp start state station
status step stock stop store storey story street strength style subject suffix supplier surface symbol system table tag
target task team temperature term test texture theme ticket tide title tone tool topic total tour track trade trail
train tree trend trial trip truck type unit user value vendor version view village visitor voice volume wage wall ward
water wave way weather weight wheel width wind window winner wire wood worker year zone
""".split()

UNSEEN_NOUNS = """
altitude anchor breed canvas cargo chapter climate compass crop dialect discount engraver fabric fossil gallery genre
habitat humidity inventor jersey kernel lecture mascot nickname orbit pigment quota referee sculptor tenant tempo
valley voltage warehouse
""".split()
"""Keys kept out of training, for the evaluation."""

ADJECTIVES = """
main first last next new old local final daily current other inner outer upper lower total minimum maximum average short
long public private second third home work shipping billing start end due birth hourly yearly net gross
""".split()

PLAIN_VALUES = """
red green blue teal black white grey amber silver pink small medium large tiny huge low high normal urgent open closed
pending done active idle ready broken paid unpaid draft sent north south east west steel oak cotton paper glass wool
coffee tea bread apple pear plum rice salt sugar butter lemon onion basil garlic cheese mug lamp chair table pen book
bag shirt cable monitor keyboard printer bike tent kettle blanket shelf guitar camera jacket boot clock vase mirror
summer winter morning evening weekly monthly express standard economy business basic premium single double cash card
""".split()

FIRST_NAMES = """
Ada Alan Amir Anna Ben Bruno Carla Chen Clara David Dina Elena Emil Eva Farah Felix Grace Hana Hugo Ines Ivan Jana John
Jonas Julia Kai Karim Lara Leo Lena Lin Lucas Maria Marco Maya Mina Nadia Nina Noah Nora Olga Omar Oscar Paul Petra
Priya Ravi Rosa Sam Sara Sofia Tara Theo Tom Vera Viktor Wei Yara Yusuf Zoe
""".split()

PLACES = """
Athens Basel Berlin Bonn Cairo Delhi Dublin Geneva Kyoto Lagos Lima Lisbon London Lyon Madrid Milan Oslo Paris Porto
Prague Quito Rome Seoul Tokyo Turin Vienna Warsaw Zurich
""".split()

JOBS = """
baker nurse teacher engineer painter pilot plumber lawyer doctor farmer designer driver gardener chemist librarian
carpenter cook dentist editor judge mechanic singer tailor waiter welder writer
""".split()

MONTHS = """
January February March April May June July August September October November December
""".split()

NUMBER_WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split()

FILLERS = """
Thanks a lot.|Please let me know.|Best regards.|Hello,|Hi there,|Dear team,|This came in today.|Nothing else to report.|
See the notes below.|We will call again tomorrow.|Sorry for the delay.|Please check it soon.|It was raining all day.|
I hope you are well.|More details will follow.|That is all for now.|The rest is as before.|Have a nice day.|
As discussed on the phone.|Here is what we know.|Good morning,|Cheers.|The old one was lost.|Everything else is fine.
""".replace("\n", "").split("|")

REQUESTS = """
Extract the data from:|Read this text and fill the form:|Fill in the record.|From the message below:|Extract:|
Read this mail:|What does it say?|Find the fields in this note:|Take the values from the text:|Summarise this as JSON:
""".replace("\n", "").split("|")

_ONSETS = (
    "b c d f g h j k l m n p r s t v w y z b d k l m n p r s t br ch cl cr dr fl gr pl pr qu sh sl st th tr wh".split()
)
_NUCLEI = "a e i o u a e i o u a e i o u ai ea ee oo ou ie io".split()
_CODAS = "n r s l t m d ck ng nd nt rt st ll sh x p g".split()
_ACCENTS = "é è ü ö ä ñ ø å ç í ó ł".split()


def made_up_word(rng: Random) -> str:
    """Return a lower-case word of one to three syllables that no text holds by habit, so that it must be copied."""
    syllables = []
    for _ in range(rng.choice((1, 1, 2, 2, 2, 2, 3, 3))):
        syllables.append(rng.choice(_ONSETS) + rng.choice(_NUCLEI) + (rng.choice(_CODAS) if rng.random() < 0.3 else ""))
    word = "".join(syllables)
    if rng.random() < 0.03:
        at = rng.randrange(len(word))
        word = word[:at] + rng.choice(_ACCENTS) + word[at + 1 :]
    return word
