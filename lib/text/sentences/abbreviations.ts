/** Words of one language that decide whether a full stop ends a sentence; in lower case, without the last stop. */
export interface Abbreviations {
  /** Never end a sentence: titles, «e.g.», «cf.». */
  readonly inner: ReadonlySet<string>
  /** Do not end a sentence before a number: «No. 5», «p. 12». */
  readonly numbered: ReadonlySet<string>
  /** End a sentence only before a word of `starters`: «Inc.», «St.», «Jan.». */
  readonly either: ReadonlySet<string>
  /** Words that often begin a sentence and are not part of a name. */
  readonly starters: ReadonlySet<string>
  /** Whether a number with a stop is an ordinal: «3. Oktober». */
  readonly ordinals: boolean
}

const set = (words: string) => new Set(words.split(' ').filter((word) => word !== ''))

const list = (inner: string, numbered: string, either: string, starters: string, ordinals = false): Abbreviations => ({
  inner: set(inner),
  numbered: set(numbered),
  either: set(either),
  starters: set(starters),
  ordinals,
})

const english = list(
  'dr mr mrs ms mx messrs prof ste rev hon gen col lt maj capt cpt cmdr sgt adm brig pres sen rep gov supt insp vs v cf viz e.g i.e c ca approx resp incl esp ph.d',
  'no nos p pp vol vols fig figs ch chap sec sect art eq eqs ed eds al op cit vers ver pt para nr est r',
  'st mt ft fl inc ltd co corp bros jr sr esq al dept univ assn ave blvd rd bldg jan feb mar apr jun jul aug sep sept oct nov dec llc plc n.b',
  'the a an this that these those he she it they we i you in on at by for from with after before during as when while if although however but and or so since some most many each all its his her their our my there here what who why how where today another both one two three to of not no yes then thus later also according under over between because despite until once such only even other several following upon among within without through',
)
const german = list(
  'dr prof hr fr frl hl st dipl ing bzw z d u o i v h c z.b d.h u.a s vgl sog ca evtl ggf gen inkl exkl insb jun sen lat griech engl frz urspr v.a i.d.r u.u o.g',
  'nr s bd abb kap abs art ziff str tab fig aufl jh',
  'co jan feb mär apr jun jul aug sep sept okt nov dez geb gest verh u.v.m u.s.w v.chr n.chr jh mio mrd',
  'der die das den dem des ein eine einer einem einen er sie es wir ich ihr man in im am an auf aus bei beim bis mit nach von vom vor zu zum zur für als wenn während dies diese dieser dieses aber und oder doch so auch da dann durch nur seit sein seine ihre hier wie was wer warum wo heute später jedoch nicht',
  true,
)
const french = list(
  'm mm mme mmes mlle mlles dr pr prof me mgr st ste cf p.ex c.-à-d env ex',
  'n no p pp vol fig chap art t av',
  'cie inc janv févr avr juil sept oct nov déc éd al apr j.-c',
  'le la les un une des il elle ils elles on nous vous je ce cet cette ces dans en au aux à sur par pour avec sans mais et ou or donc car si quand lorsque comme son sa ses leur leurs après avant depuis pendant selon ainsi alors aujourd’hui de du',
)
const spanish = list(
  'sr sra sres srta dr dra d dña prof lic ing gral cap sto sta st ud uds p.ej ej cf aprox',
  'no núm n.º p pp pág págs vol fig cap art t',
  'cía s.a ee.uu ene feb mar abr may jun jul ago sep sept oct nov dic a.c d.c ed',
  'el la los las un una unos unas lo en de del al se es su sus con por para como pero y o si no este esta estos estas ese esa él ella ellos ellas cuando donde desde hasta según tras durante además también sin sobre entre hoy más',
)
const italian = list(
  'sig sigg sig.ra dott dott.ssa dr prof prof.ssa ing avv on mons s st p.es es cfr ca',
  'n p pp pag vol fig cap art',
  's.p.a s.r.l gen feb mar apr mag giu lug ago set sett ott nov dic a.c d.c ed',
  'il lo la i gli le un uno una in nel nella di del della dei da dal per con su tra fra ma e o se non questo questa questi queste egli ella essi quando dove come dopo prima durante secondo anche oggi più si è',
)
const portuguese = list(
  'sr sra srta dr dra prof profa eng gen cap sto sta st d p.ex ex cf aprox',
  'n no núm p pp pág vol fig cap art',
  'cia ltda s.a jan fev mar abr mai jun jul ago set out nov dez a.c d.c ed',
  'o a os as um uma uns umas em no na nos nas de do da dos das ao à por para com sem mas e ou se não este esta estes estas ele ela eles elas quando onde como após antes durante segundo também hoje mais seu sua',
)
const dutch = list(
  'dhr mevr mw dr drs ir mr prof st bijv bv o.a d.w.z m.b.v t.o.v ca resp incl excl vgl',
  'nr blz p pp vol fig hfst art',
  'jan feb mrt apr jun jul aug sep sept okt nov dec v.chr n.chr',
  'de het een deze dit die dat hij zij ze wij we ik jij u er in op aan bij door met na naar om over tot uit van voor als wanneer toen terwijl maar en of dus ook niet zijn haar hun hier daar vandaag later volgens sinds tijdens',
)
const russian = list(
  'г гг ул пр им проф акад др т.е т.к т.н см ср св кн гр',
  'с стр рис табл гл № ст п т',
  'руб коп тыс млн млрд др пр т.д т.п в вв н.э янв февр апр авг сент окт нояб дек',
  'в на с по из за от до для при он она оно они мы я вы это этот эта эти но а и или если когда как после перед во время его её их также сегодня не что кто где',
)
const polish = list(
  'dr prof mgr inż hab ks św abp bp gen płk kpt por im ul al pl tzn tj tzw np m.in ok ww wg ur zm',
  'nr s str godz r art ust rys tab poz t',
  'itd itp in w p.n.e n.e tys mln mld',
  'w na z do od po i a ale to ten ta te jest był była było nie się jego jej ich oraz gdy kiedy jak także tam tu on ona oni dziś potem później',
  true,
)
const turkish = list(
  'dr prof doç av sn yrd öğr gör alb gen mad cad sok mah bkz örn yy m.ö m.s',
  's sf no c',
  'vb vs şti ltd',
  'bu bir ve o ama fakat ancak daha çok her ne nasıl niçin sonra önce burada orada şimdi',
  true,
)
const greek = list(
  'κ κα κ.κ δρ καθ π.χ δηλ βλ στρ λεωφ',
  'σ σελ αρ τ',
  'κ.ά κ.λπ κλπ π.χ μ.χ μ.μ π.μ χιλ εκ',
  'ο η το οι τα αυτός αυτή αυτό και αλλά στη στο στην στον στις με για από όταν όμως σήμερα',
)
const hindi = list('डॉ डा श्री श्रीमती सुश्री प्रो पं स्व मो कु सं ई.पू', 'पृ सं नं', '', '')
const arabic = list('د أ م أ.د', 'ص ج', '', '')
const vietnamese = list('tp ts gs pgs ths ths.bs bs tx q p', 'tr', 'v.v', '')

const BY_LANGUAGE: Readonly<Record<string, Abbreviations>> = {
  en: english,
  de: german,
  fr: french,
  es: spanish,
  it: italian,
  pt: portuguese,
  nl: dutch,
  ru: russian,
  pl: polish,
  tr: turkish,
  el: greek,
  hi: hindi,
  ar: arabic,
  vi: vietnamese,
}
/** Languages that write ordinals with a stop. */
const WITH_ORDINALS = set('cs da et fi hr hu is lv nb nn no pl sk sl sr')

/** Returns the list of a language; English for one without a list, because its titles and initials are widely used. */
export function abbreviationsOf(language: string): Abbreviations {
  const base = language.split('-')[0]!
  return BY_LANGUAGE[base] ?? { ...english, ordinals: WITH_ORDINALS.has(base) }
}
