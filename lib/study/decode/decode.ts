import { existsSync } from 'node:fs'
import { isRun, runFolder } from '../../checkpoint/run-folder.js'
import { longDoor } from '../../control.js'
import type { Base } from '../../data/base.js'
import { openBeside } from '../../data/beside.js'
import { someData, type WithData } from '../../data/given-data.js'
import { locateBase } from '../../data/locate.js'
import { abortSignal, callback, optional, withFields, word } from '../../door.js'
import { badOption, LvmError } from '../../errors.js'
import { requireReplaceable } from '../../files/replaceable.js'
import { publish } from '../../files/write.js'
import { type Given, type Options, resolve } from '../../options.js'
import { stage, stopSignal, tally } from '../../stages.js'
import { openSentences, type SentenceBank } from '../../text/decode/sentence-bank.js'
import { type Generator, openGenerator, refuseGenerated, requireDecoder } from '../../text/decode/sentence-generator.js'
import type { DecodeStep } from '../../text/invert/decoder.js'
import { requireEncoder } from '../../text/space/require-encoder.js'
import { decodedFile } from './decode-document.js'
import { decodeFields } from './decode-fields.js'
import { openFileVectors } from './decode-file.js'
import { decodedRows } from './decode-rows.js'
import { openRunVectors } from './decode-run.js'
import type { Source } from './decode-source.js'
import type { Decoded, DecodedHead, DecodedRow } from './decoded-row.js'

/** Options of `decode`: what to decode, a listener, a signal, and any field of `decodeFields`. */
export interface DecodeOptions extends WithData<Given<typeof decodeFields>, 'data' | 'bank'> {
  /** Folder of a run, or its name below `artifacts/lvm/models`: its predictions are decoded. */
  readonly run?: string
  /** File of vectors, instead of a run. */
  readonly vectors?: string
  /** Receives each row as soon as it is decoded. */
  readonly onRow?: (row: DecodedRow) => void
  /** Receives the progress of generated sentences: each correction of a few vectors. */
  readonly onStep?: (step: DecodeStep) => void
  /** Ends the work after the rows in progress; a generation ends at its next token. */
  readonly signal?: AbortSignal
}

/** A decoding in progress; the rows are made as they are read. */
export interface Decoding {
  /** File to write. */
  readonly out: string | undefined
  readonly head: DecodedHead
  rows(signal?: AbortSignal): AsyncGenerator<DecodedRow>
  dispose(): void
}

type Asked = Options<typeof decodeFields>
/** The decoder without weights. */
const NEAREST = 'nearest'

/** Whether a word of the command line names a run or a file of vectors. */
export async function whatIs(name: string): Promise<{ run: string } | { vectors: string }> {
  if (/\.(npy|npz|safetensors|jsonl|gz)$/i.test(name)) return { vectors: name }
  if ((await isRun(runFolder(name))) || (await isRun(name))) return { run: name }
  try {
    return { vectors: locateBase(name).vectors }
  } catch {
    return { run: name } // the error of a missing run lists the runs
  }
}

/** Opens the base to search; undefined for generated sentences without one. Errors: BAD_OPTION; those of openBeside. */
async function openBank(source: Source, o: Asked): Promise<{ base: Base; isOwn: boolean } | undefined> {
  const named = o.bank ?? source.bank
  if (named !== undefined)
    return typeof named === 'string'
      ? { base: await openBeside(source.of, named, { space: o.space }), isOwn: true }
      : { base: named, isOwn: false }
  if (o.decoder !== NEAREST) return undefined
  throw badOption('decode', 'bank', 'a base with a sentence for each row', named, 'add --bank BASE, where the sentences are')
}

/**
 * Encodes again the true sentences of the vectors, and those of the bank; both must be of the encoder.
 *
 * Errors: those of requireEncoder; TEXT_MISSING where no text can be encoded again.
 */
async function checkEncoder(source: Source, bank: Base | undefined, wanted: string): Promise<void> {
  const { truth, of } = source
  const own = truth !== undefined && (await truth.base.texts()) !== undefined ? truth.base : undefined
  const bases = [...new Set([own, bank])].filter((base) => base !== undefined)
  if (bases.length === 0)
    throw new LvmError('TEXT_MISSING', `${of.path}: expected sentences to encode again with "encoder" but there are none`, {
      hint: 'name a base with sentences: --bank BASE',
    })
  for (const base of bases) await requireEncoder(base, wanted, of)
}

/** Opens the sentences to search, after the encoder is checked. Errors: TEXT_MISSING; those of openBank and checkEncoder. */
async function openChecked(source: Source, o: Asked): Promise<{ bank?: SentenceBank; close(): void }> {
  const opened = await openBank(source, o)
  try {
    if (o.encoder !== undefined) await checkEncoder(source, opened?.base, o.encoder)
    if (opened === undefined) return { close() {} }
    const bank = await openSentences(opened.base)
    return {
      bank,
      close() {
        bank.dispose()
        if (opened.isOwn) opened.base.dispose()
      },
    }
  } catch (error) {
    if (opened?.isOwn) opened.base.dispose()
    throw error
  }
}

function headOf(source: Source, o: Asked, bank?: SentenceBank, generator?: Generator): DecodedHead {
  const data = source.truth?.base
  return {
    version: 1,
    decoder: generator?.head ?? { name: o.decoder, generated: false },
    ...source.head,
    data: data ? { path: data.path, hash: data.hash, space: data.space ?? null } : null,
    bank: bank ? { path: bank.base.path, hash: bank.base.hash, rows: bank.texts.length, space: bank.base.space ?? null } : null,
    exclude: o.exclude,
    count: source.rows.length,
  }
}

/** Opens the decoder of generated sentences; undefined for `nearest`. */
async function openWriter(source: Source, bank: SentenceBank | undefined, o: Asked, onStep: DecodeOptions['onStep']) {
  if (o.decoder === NEAREST) return undefined
  const texts = async () => bank?.texts ?? (await source.truth?.base.texts())
  return openGenerator(o, { space: source.of.space, texts, onStep })
}

/** Opens a decoding; the caller disposes of it. Errors: those of `decode`. */
export async function openDecoding(given: Omit<DecodeOptions, 'onRow' | 'signal'>): Promise<Decoding> {
  const { run, vectors, onStep, ...fields } = given
  const o = resolve('decode', decodeFields, fields)
  if ((run === undefined) === (vectors === undefined))
    throw badOption('decode', 'run', 'a run, or a file as "vectors", but not both,', run ?? vectors)
  if (o.decoder === NEAREST) refuseGenerated('decode', fields, 'the decoder nearest writes no sentences')
  else requireDecoder('decode', o.decoder, decodeFields.decoder.expected)
  if (vectors !== undefined && !existsSync(vectors)) locateBase(vectors)
  if (o.out !== undefined) await requireReplaceable('decode', [o.out], o.out, /^\{"version":1,"decoder":|^\{[^\n]*"cosine":/)
  const to = { out: o.out }
  const source = run === undefined ? await openFileVectors(vectors!, o, fields) : await openRunVectors(run, o)
  try {
    if (source.rows.length === 0) return { ...to, head: headOf(source, o), async *rows() {}, dispose: source.dispose }
    if (o.exclude === 'context' && (source.truth?.context ?? null) === null)
      throw badOption('decode', 'exclude', 'none, because the context of these vectors is unknown,', o.exclude)
    const { bank, close } = await openChecked(source, o)
    const generator = await openWriter(source, bank, o, onStep).catch((error) => {
      close()
      throw error
    })
    const dispose = () => {
      generator?.dispose()
      close()
      source.dispose()
    }
    const rows = (signal?: AbortSignal) => decodedRows(source, { bank, generator, exclude: o.exclude }, signal)
    return { ...to, head: headOf(source, o, bank, generator), rows, dispose }
  } catch (error) {
    source.dispose()
    throw error
  }
}

const ARGS = {
  options: withFields({
    run: optional(word),
    data: optional(someData),
    bank: optional(someData),
    vectors: optional(word),
    onRow: optional(callback),
    onStep: optional(callback),
    signal: optional(abortSignal),
  }),
}

/**
 * Reads vectors as sentences: the predictions of a run beside the true next sentences, or each vector of a file.
 *
 * With the decoder `nearest` a sentence is the stored one whose vector is nearest; the folder of a vec2text decoder writes new ones.
 * Errors: those of load and of the data; BAD_OPTION; TEXT_MISSING for a bank without sentences; SPACE_MISMATCH and DATA_SHAPE for a
 * bank that does not fit; DIVERGED; INTERRUPTED.
 */
export const decode = longDoor('decode', ARGS, async (options: DecodeOptions): Promise<Decoded> => {
  const { onRow = () => {}, signal, ...given } = options
  const decoding = await openDecoding(given)
  try {
    const rows: DecodedRow[] = []
    await stage('decode', async () => {
      for await (const row of decoding.rows(signal ?? stopSignal())) {
        tally(rows.length, decoding.head.count)
        rows.push(row)
        onRow(row)
      }
    })
    const { head, out } = decoding
    if (out !== undefined) await publish({ [out]: decodedFile(out, head, rows) })
    return { ...head, rows }
  } finally {
    decoding.dispose()
  }
})
