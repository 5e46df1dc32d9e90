import { basename } from 'node:path'
import { trainedOnNote } from '../../evaluate/trained-on.js'
import { count, counted, decimal, oneLine } from '../../show.js'
import { cut } from '../analysis/groups.js'
import type { DecodedHead, DecodedRow } from './decoded-row.js'

/** Longest sentence on the terminal. Units: characters. */
const LONGEST = 160

const bridgeSentence = (bridge: DecodedHead['decoder']['bridge']): string =>
  bridge
    ? `\nbridge ${bridge.from} → ${bridge.to}: round-trip cosine ${decimal(bridge.round_trip.mean)} (lowest ${decimal(bridge.round_trip.min)}) on ${counted(bridge.texts, 'text')}${bridge.condition === null ? '' : `; condition number ${decimal(bridge.condition)}`}`
    : ''

/** Explains what the decoder's sentences are. */
export const decoderSentence = ({ decoder, bank, exclude, run }: DecodedHead): string => {
  const where = bank ? ` among the ${counted(bank.rows, 'row')} of ${basename(bank.path)}` : ''
  const left = exclude === 'context' ? ', without the context' : ''
  const hint = run !== null && left === '' ? '; --exclude context leaves out the sentences that the model has just read' : ''
  return decoder.generated
    ? `decoder ${decoder.name} (${decoder.space}): generated sentences, at most ${decoder.steps} corrections, beam ${decoder.beam}; the cosine is of the vector and the sentence's own vector${bridgeSentence(decoder.bridge)}`
    : `decoder ${decoder.name}: nearest stored sentence${where}${left}, not generated${hint}`
}

/** First lines of a decoding for the terminal. */
export function decodingHead(head: DecodedHead): string {
  const { run, vectors, part, count: n, of, chosen, trained_on } = head
  const what = vectors ?? run
  const rows = `${count(n)} of ${count(of)} ${vectors === null ? 'predictions' : 'vectors'}${part === null ? '' : ` (${part})`}`
  const seen = part === null ? [] : trainedOnNote({ rows: part, split: null, trained_on })
  return [`${what}: ${rows}: ${chosen}`, decoderSentence(head), ...seen].join('\n')
}

const line = (name: string, cosine: number | null, text: string) =>
  `  ${name.padEnd(9)} ${cosine === null ? ' '.repeat(6) : decimal(cosine).padStart(6)}  ${oneLine(cut(text, LONGEST))}`

/** One row for the terminal: what was read, the true sentence and the sentence of the vector, each with its cosine. */
export function decodedRow({ decoder, bank, vectors }: DecodedHead, row: DecodedRow): string {
  const { nearest, target, context } = row
  const name = row.title ?? row.article
  const generated = decoder.generated && row.text !== null ? [line(decoder.name, row.cosine, row.text)] : []
  return [
    `row ${count(row.row)}${name === null ? '' : ` · ${oneLine(cut(name, 60))}`}`,
    ...(context?.length ? [line('context', null, context.at(-1)!)] : []),
    ...(target ? [line(vectors !== null && context === null ? 'true' : 'true next', target.cosine, target.text)] : []),
    ...generated,
    ...(nearest ? [line('nearest', nearest.cosine, nearest.text)] : bank ? ['  nearest   no row is left in the bank'] : []),
  ].join('\n')
}
