import { NAMES } from '../../evaluate/results-table.js'
import { trainedOnNote } from '../../evaluate/trained-on.js'
import type { SentencesEntry, WindowSentences } from '../../evaluate/window-sentences.js'
import { type Html, html } from '../../page/html.js'
import { count, counted, decimal } from '../../show.js'
import { cut } from '../../study/analysis/groups.js'
import type { StoredSentence } from '../../text/decode/sentence-bank.js'

/** Longest sentence of the page. Units: characters. */
const LONGEST = 300

/** One line: who says it, its cosine, and the sentence, whose direction its first letter decides. */
const line = (who: string, cosine: number | null, text: string, kind = ''): Html =>
  html`<dt>${who}${cosine !== null && html` <span class="n">${decimal(cosine)}</span>`}</dt><dd dir="auto" class="${kind}">${cut(text, LONGEST)}</dd>`

const nearestLine = (who: string, nearest: StoredSentence | null): Html =>
  line(who, nearest?.cosine ?? null, nearest?.text ?? 'no other row is in the data')

function windowPart(w: WindowSentences, baseline: string): Html {
  return html`<h4>Row ${count(w.row)}${(w.title ?? w.article) ? html`, <bdi>${cut(w.title ?? w.article!, 80)}</bdi>` : ''}</h4><p class="muted">cosine with the true next vector: prediction ${decimal(w.cosine)}, ${baseline} ${decimal(w.baseline.cosine)}</p><dl class="sentences">${w.context.map((text, i) => line(i === 0 ? 'context' : '', null, text, 'muted'))}${line('true next', null, w.target)}${nearestLine('prediction', w.nearest)}${w.decoded && line('decoded', w.decoded.cosine, w.decoded.text)}${nearestLine(baseline, w.baseline.nearest)}</dl>\n`
}

/** Explains the generated sentences. Files of earlier versions have no decoder. */
function decoderNote({ decoder }: Partial<Pick<SentencesEntry, 'decoder'>>): Html | '' {
  if (!decoder) return ''
  const { name, space, steps, beam, bridge } = decoder
  const over = bridge
    ? html`, over the bridge ${bridge.from} → ${bridge.to} (round-trip cosine ${decimal(bridge.round_trip.mean)})`
    : ''
  return html` Decoded: a sentence that ${name} (${space}; at most ${steps} corrections, beam ${beam}) generated of the predicted vector${over}; the number is the cosine of its own vector with the prediction.`
}

/** Ten windows of a run as sentences. */
export function sentencesPart(e: SentencesEntry): Html {
  const baseline = NAMES[e.baseline]
  const notes = trainedOnNote({ split: null, ...e }).map((note) => html`<p class="warn">${note}</p>`)
  return html`<details class="windows"><summary>${e.windows.length} windows as sentences</summary><p class="muted">${e.chosen}. Prediction and ${baseline}: the stored sentence nearest to the predicted vector, not a generated one; the number is its cosine with that vector.${decoderNote(e)} ${counted(e.n, 'window')} (${e.rows}).</p>${notes}${e.windows.map((w) => windowPart(w, baseline))}</details>`
}
