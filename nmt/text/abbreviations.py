"""Says whether a full stop behind a word may end a sentence: what is abbreviated, by language.

The lists of some thirty languages come from the package ``sentencex``; those below add what they
lack. Where its lists hold many ordinary words ("me", "mar", "best"), a capitalised word that
usually begins sentences ("I", "Le", "Sie") decides against the abbreviation.
"""

# ruff: noqa: RUF001, E501 (letters of other scripts; a language's list in one line)
from functools import lru_cache

import sentencex


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_EVERYWHERE = _words("mr mrs ms dr prof st mgr ing dipl e.g i.e cf vs p.ex z.b")
_NEVER = {
    "ca": "sr sra srs dra núm pàg av avda",
    "cs": "bc mudr judr phdr rndr doc např tzv tj sv ul nám resp popř kupř hl gen plk",
    "da": "f.eks fx bl.a dvs ca kl nr hr fr sml",
    "de": "hr fr frl nr str tel abb ca bzw d.h u.a o.ä u.ä vgl s.o s.u evtl ggf inkl exkl mind geb "
    "gest bspw sog hl o.g v.a z.t i.d.r u.u dgl lt",
    "el": "κ κα δρ π.χ βλ αρ σελ καθ",
    "en": "mx messrs mt gen sen rep gov capt col lt sgt cpl maj cmdr adm rev hon viz approx al esp",
    "es": "sr sra sres sras srta dra d dña d.ª ud uds vd vds p.ej pág págs núm núms av avda lic "
    "gral gob excmo excma ilmo pza tel aprox",
    "fi": "esim ns ts mm klo nro tri kts puh",
    "fr": "m mm mme mmes mlle mlles me drs pr ste sts stes p.ex ex c.-à-d c.à.d càd env boul bd av "
    "éd tél ibid cie°",
    "hu": "pl ún kb ifj id özv ford szerk vö",
    "it": "sig sigg sig.ra sig.na sig.re dott dott.ssa avv on p.es es pag pagg tel ca geom rag arch "
    "mons egr gent",
    "nb": "f.eks bl.a dvs ca kl nr hr fr jf",
    "nl": "dhr mevr mw mej drs ir mr bijv bv d.w.z o.a nr blz ca incl excl evt resp vgl z.o.z",
    "pl": "mgr inż hab ul al św np tzw tj nr im ks gen płk kpt red por ww zob",
    "pt": "sr sra srs sras dra eng av p.ex pág págs núm exmo exma v.ex tel",
    "ro": "dl dna dvs nr str ex sf bd acad",
    "ru": "ул пр просп пл кв т.е т.к т.н т.ч им проф акад см стр рис гр св гл напр ср г-н",
    "sk": "bc mudr judr phdr rndr doc napr tzv tj sv ul nám resp príp",
    "sl": "npr oz tj dr mag ga g ul sv",
    "sv": "t.ex bl.a d.v.s dvs ca kl nr s.k resp hr fr jfr",
    "tr": "doç av sn örn bkz yrd öğr haz çev no",
    "uk": "вул пр просп пл т.зв ім проф акад див стор рис гр св напр",
    "vi": "tp ts ths pgs gs bs",
}  # fmt: skip
"""Behind these the sentence goes on, whatever follows; without the last full stop."""

_BEFORE_NUMBERS = _words(
    "no nos nr nro n p pp pg pag pág pàg vol vols fig figs art arts sec sect ch chap cap kap abb abs "
    "bd s str sp č čís č.p п стр рис гл ст том л ca approx env jan feb febr mar apr jun jul aug "
    "sep sept oct nov dec janv févr avr juil okt dez abr"
)
"""Abbreviations where a number follows or a small letter; ordinary ends of sentences otherwise."""

_MAY_END = _words(
    "etc inc ltd co corp bros jr llc plc ph.d usw ff osv itd itp atd apod stb ecc u.s.w enz e.d "
    "m.m o.s.v т.д т.п др г гг тыс млн млрд руб ін κ.λπ κ.ά vb vs gmbh cie dgl s.a s.l sa"
)
"""Before a capital they end the sentence or stand in its middle: the word behind decides."""

_ENDS_BEFORE_CAPITAL = _words(
    "a.m p.m b.c a.d b.c.e c.e bc j.-c av.j.-c etc usw osv itd itp atd apod stb ecc enz m.m n.chr "
    "v.chr d.c a.c т.д т.п κ.λπ"
)
"""Before a capital they end the sentence."""

_STARTERS = {
    "de": "ich du er sie es wir ihr der die das den dem ein eine einen einem einer und aber wenn als "
    "dann da dort hier so wie was wer wo warum nicht kein keine mein dein sein unser alle man in "
    "im am auf mit bei nach seit von vor für um an zu ja nein doch heute gestern morgen",
    "en": "i i'm i've i'll i'd a an the he she it we you they this that these those there his her its "
    "our your their my and but or so if when while as at in on for from to with what who why how "
    "where then no yes not all some most every each after before because although is are was were "
    "do does did will would can could may",
    "es": "yo tú él ella ellos ellas nosotros usted ustedes el la los las un una unos unas este esta "
    "estos eso esto y pero si cuando en con por para no sí se su sus mi qué quién cómo hay al del "
    "de a lo le les nos me te que como ya también después luego entonces",
    "fr": "je j' tu il elle on nous vous ils elles le la les l' un une des ce c' cet cette ces et mais "
    "ou si quand dans en au aux à sur pour par avec sans puis alors donc car oui non mon ma mes son "
    "sa ses leur leurs notre votre ton ta tes qui que quoi où comment pourquoi tout tous toutes "
    "d' de du chaque aujourd'hui hier demain il n' ne est",
    "it": "io tu lui lei noi voi loro il lo la i gli le un una uno questo questa e ed ma se quando in "
    "nel nella con per da di non sì no che chi come dove perché poi anche ci si mi è ho ha c' l'",
    "nl": "ik jij je hij zij ze wij we jullie het de een en maar als toen dan daar hier er dit dat "
    "deze die in op met voor van naar na wat wie waar waarom hoe niet geen nee ja mijn zijn haar",
    "pl": "ja ty on ona ono my wy oni one to ten ta i a ale w we na z ze do po nie tak jest co kto gdy "
    "jak czy się był była",
    "pt": "eu tu ele ela nós vós eles elas você vocês o a os as um uma este esta isso e mas se quando "
    "em no na com por para não sim que quem como onde depois então também",
    "ru": "я ты он она оно мы вы они это этот эта и а но в во на с со к по за от до не да нет что кто "
    "когда как если все у его её их мой так там тут потом",
}  # fmt: skip
"""Words that stand in front of most sentences and seldom with a capital within one."""

_ORDINARY = {
    "de": "art bart mag min x v i",
    "en": "me man mass miss may bart ill wash ore fed arc mar la pa ma ala id ex op re que "
    "ms sen in art him us them up out off too now of",
    "fr": "pas lui moi toi eux là ici ça plus rien",
}  # fmt: skip
"""Other short words that end sentences, among them some in the lists of sentencex."""

_OWN = _words("es fr it nl pl")
"""The lists of sentencex for these hold hundreds of ordinary words: those above serve alone."""

_NEVER_SETS = {code: _words(words) | _EVERYWHERE for code, words in _NEVER.items()}
_STARTER_SETS = {code: _words(words) for code, words in _STARTERS.items()}
_ORDINARY_SETS = {code: _words(words) for code, words in _ORDINARY.items()}


def is_starter(word: str, language: str) -> bool:
    """Whether the word, in any case, usually begins a sentence."""
    word = word.casefold().replace("’", "'")
    starters = _STARTER_SETS.get(language, frozenset())
    return word in starters or ("'" in word and word[: word.index("'") + 1] in starters)


def is_ordinary(word: str, language: str) -> bool:
    """Whether the word, in any case, is known to be one that is written out."""
    return word.casefold() in _ORDINARY_SETS.get(language, frozenset()) or is_starter(
        word, language
    )


def continues(word: str, following: str, language: str, *, number: bool, small: bool) -> bool:
    """Whether the sentence goes on behind "word.", as an abbreviation.

    word: without its full stop, as written. following: the next word. number, small: whether that
    begins with a digit, with a small letter.
    """
    word = word.casefold()
    if word in _NEVER_SETS.get(language, _EVERYWHERE):
        return True
    if word in _BEFORE_NUMBERS:
        return number or (small and len(word) < 4)
    if word in _ENDS_BEFORE_CAPITAL or word in _MAY_END:
        return small or not (word in _ENDS_BEFORE_CAPITAL or is_starter(following, language))
    if word in _ORDINARY_SETS.get(language, frozenset()):
        return False
    if not small and is_starter(following, language):
        return False
    return language not in _OWN and is_listed(word, language)


@lru_cache(maxsize=1 << 16)
def is_listed(word: str, language: str) -> bool:
    """Whether sentencex knows the word as an abbreviation of the language."""
    if not word.replace(".", "").replace("-", "").isalpha() or len(word) > 20:
        return False
    try:
        return len(sentencex.segment(language or "en", f"xx {word}. Xxx")) == 1
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # a panic of Rust is no Exception
        return False
