/** Words of eight scripts, and what tokenizers stumble over. */
const WORDS = {
  latin: 'the river flows Straße naïve façade İstanbul ﬁsh Ångström don’t e-mail U.S.A. 3.14 1,000 $5 ½'.split(' '),
  greek: 'ο ποταμός ρέει Ελλάδα ΣΊΣΥΦΟΣ φιλοσοφία και ήλιος'.split(' '),
  cyrillic: 'река течёт Йод ёлка Київ объект наука вода'.split(' '),
  arabic: 'النهر يجري السَّلامُ كتاب ٣٤٥ فكرة الشمس'.split(' '),
  hebrew: 'הנהר זורם שָׁלוֹם ספר רעיון שמש'.split(' '),
  devanagari: 'नदी बहती है नमस्ते पुस्तक विचार क्षत्रिय १२३'.split(' '),
  han: '河流向前流动。北京大学 漢字 東京都 ひらがな カタカナ ｶﾀｶﾅ 한국어 서울'.split(' '),
  thai: 'แม่น้ำไหล กรุงเทพ สวัสดี หนังสือ ความคิด'.split(' '),
  marks: [
    '😀',
    '👨‍👩‍👧',
    '\u200b',
    '\t',
    '\u00a0',
    '…',
    '“x”',
    '[SEP]',
    '<mask>',
    '##ing',
    '\u0301',
    'a\u0308',
    '--',
    'x'.repeat(120),
    '\ufffd',
  ],
}

/** Texts of one script each or of several mixed, equal on every call. */
export function manyScripts(count: number): string[] {
  let state = 12345
  const draw = (n: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return Math.floor((state / 2 ** 32) * n)
  }
  const kinds = Object.values(WORDS)
  const all = kinds.flat()
  return Array.from({ length: count }, (_, i) => {
    const words = i % 3 === 0 ? all : kinds[i % kinds.length]!
    const length = i % 50 === 0 ? 300 : 1 + draw(24)
    return Array.from({ length }, () => words[draw(words.length)]!).join(draw(9) === 0 ? '' : ' ')
  })
}
