import { describe, expect, test } from 'vitest'
import { detectLanguage } from '../../lib/text/sentences/detect-language.js'
import { paragraphsOf } from '../../lib/text/sentences/paragraphs.js'
import { rowsOf } from '../../lib/text/sentences/sentence-rows.js'
import { clausesOf } from '../../lib/text/sentences/split-clauses.js'
import { sentencesOf } from '../../lib/text/sentences/split-sentences.js'

const within = (most: number) => (text: string) => text.length <= most

/** Splits a text where it says | and compares. */
const expectSplit = (marked: string, language = 'en') =>
  expect(sentencesOf(marked.replaceAll('|', ' '), language)).toEqual(marked.split('|'))

describe('sentences', () => {
  test.each([
    'Dr. Smith met Mrs. Jones at St. Louis.|They left.',
    'He joined the U.S. Army in 1990.|He left it.',
    'She lived in the U.S.|The army came.',
    'J. R. R. Tolkien wrote it.|It sold well.',
    'Use a tool, e.g. Git, i.e. the one here.|It works.',
    'See Fig. 3 and No. 5 on p. 12.|Then stop.',
    '"Who is there?" he asked.|"Me!" she said.',
    'It cost 3.5 million.|Nobody paid.',
    'Acme Inc. People said so.',
    'He takes vitamin C.|The doctor agreed.',
    'It went on... and on.|Then it ended!',
    '1. First things come first.|Second things follow.',
    'They came from Smith et al. (2004) and others.|We know.',
  ])('English: %s', (text) => expectSplit(text))
  test.each([
    ['de', 'Am 3. Oktober 1990 kam Dr. h. c. Müller z. B. nach Berlin.|Das 19. Jahrhundert war vorbei.'],
    ['fr', 'M. Dupont est venu, cf. p. 12.|Il est reparti.'],
    ['es', 'El Sr. García llegó.|¿Quién es?|No sé.'],
    ['ru', 'Он жил в г. Москве.|Потом уехал.'],
    ['hi', 'यह एक वाक्य है।|यह दूसरा है।'],
    ['ar', 'مرحبا بالعالم.|كيف حالك؟|أنا بخير.'],
    ['hi', 'डॉ. राजेन्द्र प्रसाद यहाँ थे।|श्री. ए. पी. जे. अब्दुल कलाम वैज्ञानिक थे।'],
    ['ar', 'ولد د. أحمد زويل عام 1946 م.|وحصل على الجائزة.'],
    ['ko', '"어디 가세요?"라고 그가 물었다.|그래요.|2024. 1. 1. 시행되었다.'],
    ['th', 'เนื้อที่ 513,115 ตร.กม. มีประชากรราว 66 ล้านคน พ.ศ. 2475'],
    ['el', 'Ο κ. Παπάς είπε: «Ναι.»|Έφυγε στις 5 μ.μ. χθες.'],
    ['pl', 'Prof. Nowak mieszka przy ul. Długiej, tj. w centrum.|Potem wyjechał.'],
    ['tr', 'Prof. Demir vb. kişiler 19. yüzyılda yaşadı.|Sonra gittiler.'],
    ['de', 'Er sagte: „Nein.“|Dann ging er.'],
    ['he', 'שלום עולם.|מה שלומך?'],
  ])('a text of the language %s is split into sentences: %s', (language, text) => expectSplit(text, language))
  test('Chinese and Japanese sentences end without a blank', () => {
    expect(sentencesOf('他说：“你好。”然后他走了！真的吗？', 'zh')).toEqual(['他说：“你好。”', '然后他走了！', '真的吗？'])
    expect(sentencesOf('你知道吗？“知之。”他走了。（见下。）完', 'zh')).toEqual([
      '你知道吗？',
      '“知之。”',
      '他走了。',
      '（见下。）',
      '完',
    ])
    expect(sentencesOf('首都は東京。「本当？」と彼は聞いた。「はい。」とても良い。', 'ja')).toEqual([
      '首都は東京。',
      '「本当？」と彼は聞いた。',
      '「はい。」',
      'とても良い。',
    ])
    expect(sentencesOf('今日は晴れです。明日は雨です。', 'ja')).toEqual(['今日は晴れです。', '明日は雨です。'])
  })
  test('a sentence longer than the window of the segmenter stays whole', () => {
    const long = `${'word '.repeat(3000)}end.`
    expect(sentencesOf(`${long} Next one.`, 'en')).toEqual([long, 'Next one.'])
  })
})

describe('paragraphs', () => {
  test('wrapped lines are joined, and headings, verses and list items stay apart', () => {
    const text =
      '== History ==\nThe quick brown fox jumps over the lazy dog and runs\ntowards the hill, where it meets Dr. Smith of the county\nof Wessex.\n\nRoses are red,\nViolets are blue.\n\n- one\n- two is\n  longer\n1. three\n---\nEnd'
    expect(paragraphsOf(text)).toEqual([
      'History',
      'The quick brown fox jumps over the lazy dog and runs towards the hill, where it meets Dr. Smith of the county of Wessex.',
      'Roses are red,',
      'Violets are blue.',
      'one',
      'two is longer',
      'three',
      'End',
    ])
  })
  test('paragraphs of one line each are not joined', () => {
    expect(paragraphsOf(`${'A whole paragraph. '.repeat(20)}\r\nAnother one.\rA third`)).toHaveLength(3)
  })
  test('an initial at the beginning of a line is no list mark', () => {
    expect(paragraphsOf('A. Smith wrote this.')).toEqual(['A. Smith wrote this.'])
  })
})

describe('long sentences', () => {
  test('are cut at clauses of about equal length', () => {
    const sentence =
      'The first clause of this sentence talks about the weather; the second clause, which is as long as the first, talks about the sea.'
    expect(clausesOf(sentence, 'en', within(80))).toEqual([
      'The first clause of this sentence talks about the weather;',
      'the second clause, which is as long as the first, talks about the sea.',
    ])
  })
  test.each([
    ['Thai words', 'ภาษาไทยเป็นภาษาที่มีระดับเสียงของคำแน่นอน'.repeat(50), 'th'],
    ['letters without a blank', 'a'.repeat(5000), 'en'],
    ['families of emoji', '👨‍👩‍👧‍👦'.repeat(500), 'en'],
    ['letters with combining marks', 'e\u0301'.repeat(3000), 'en'],
    ['flags', '🇫🇷🇩🇪'.repeat(500), 'en'],
    ['blanks with combining marks', `${' \u0301x'.repeat(2000)}`, 'en'],
  ])('are never cut inside a grapheme cluster: %s', (_, text, language) => {
    const clusters = new Set(Array.from(new Intl.Segmenter(language).segment(text), ({ index }) => index))
    const parts = clausesOf(text, language, within(50))
    let at = 0
    for (const part of parts) {
      at = text.indexOf(part, at)
      expect(clusters.has(at)).toBe(true)
      expect(part.length).toBeLessThanOrEqual(50)
      at += part.length
    }
    expect(parts.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''))
  })
  test('a cluster that does not fit stays whole', () => {
    const cluster = `x${'\u0301'.repeat(300)}`
    expect(clausesOf(`${cluster}abc`, 'en', within(50))).toContain(cluster)
  })
  test.each([
    ['one word', 'a'.repeat(1_000_000)],
    ['words', 'word '.repeat(200_000)],
    ['sentences', 'This is a sentence, here. '.repeat(40_000)],
    ['quotes', '"'.repeat(1_000_000)],
    ['stops', '.'.repeat(1_000_000)],
    ['brackets', `${'('.repeat(200_000)}x`],
    ['sentences before brackets', '。「'.repeat(300_000)],
    ['dots and quotes', '."'.repeat(500_000)],
    ['equals', `= ${' '.repeat(1_000_000)}x`],
  ])('a line of a megabyte takes seconds at most: %s', (_, line) => {
    const began = process.cpuUsage()
    rowsOf(paragraphsOf(line), 'en', within(220))
    expect(process.cpuUsage(began).user / 1e6).toBeLessThan(15) // time of the processor, because other work may share it
  })
})

test('half of a surrogate pair becomes U+FFFD, and control characters a blank', () => {
  expect(rowsOf(['One\u0000two \ud83d three\u00ad.'], 'en', within(220))).toEqual(['One two \ufffd three.'])
})
test('the language of a text is detected, and of digits it is not', async () => {
  expect(await detectLanguage('Der Hund läuft über die Straße und bellt.')).toBe('de')
  expect(await detectLanguage('今日はいい天気です')).toBe('ja')
  expect(await detectLanguage('12345')).toBeUndefined()
})
