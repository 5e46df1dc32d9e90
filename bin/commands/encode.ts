import type { CommandModule } from 'yargs'
import { counted, jsonText } from '../../lib/show.js'
import type { Encoding } from '../../lib/text/encode/encode.js'
import { encodeFields } from '../../lib/text/encode/encode-fields.js'
import { flags, given } from '../flags.js'
import { answer, count, diagnostic, duration, flowing } from '../output.js'
import { interruption } from '../signals.js'

/** Time between two lines of progress. Units: ms. */
const EVERY = 2000

/** Shows rows and their rate: one live line on a terminal, otherwise a line from time to time. */
function progressLine() {
  const live = process.stderr.isTTY === true && process.env.TERM !== 'dumb'
  let shown = performance.now()
  let drawn = false
  return {
    step: ({ rows, seconds }: { rows: number; seconds: number }) => {
      if (performance.now() - shown < (live ? 200 : EVERY)) return
      shown = performance.now()
      drawn = live
      const line = `${counted(rows, 'text')}, ${count(Math.round(rows / seconds))} per second`
      if (live) process.stderr.write(`\r${line}\x1b[K`)
      else diagnostic(line)
    },
    end: () => {
      if (drawn) process.stderr.write('\r\x1b[K')
      drawn = false
    },
  }
}

const shortened = (truncated: number, most: number) =>
  `warning: ${count(truncated)} ${truncated === 1 ? 'text has' : 'texts have'} more than ${most} tokens and lost the last words`

/** One line of JSON for each text, with the numbers in as few digits as give the same value back. */
async function* jsonLines(opened: Encoding): AsyncGenerator<string> {
  const { dim, maxTokens } = opened.encoder
  let [row, truncated] = [0, 0]
  for await (const block of opened.blocks(undefined)) {
    const { texts } = block
    const numbers = block.numbers()
    yield texts.map((text, i) => `${jsonText({ row: row + i, text, vector: numbers.slice(i * dim, (i + 1) * dim) })}\n`).join('')
    row += texts.length
    truncated += block.truncated
  }
  if (truncated > 0) diagnostic(shortened(truncated, maxTokens))
}

async function toStdout(options: Record<string, unknown>): Promise<void> {
  const { openEncoding } = await import('../../lib/text/encode/encode.js')
  using opened = await openEncoding(options)
  await flowing(jsonLines(opened), true)
}

async function toFile(options: Record<string, unknown>, signal: AbortSignal, json: boolean): Promise<void> {
  const { encode } = await import('../../lib/text/encode/encode.js')
  const shown = progressLine()
  const made = await encode(options, { progress: shown.step, signal }).finally(shown.end)
  if (made.truncated > 0) diagnostic(shortened(made.truncated, made.max_tokens))
  const text = () =>
    `${count(made.rows)} ${made.rows === 1 ? 'vector' : 'vectors'} × ${made.dim} ${made.dtype} in ${made.out}, in ${duration(made.seconds)}\nspace: ${made.space}\nto look at them: lvm-torch data inspect ${made.out}`
  answer(made, text, json)
}

/** Ends the work at Ctrl-C, also while it waits for texts. */
async function stoppable(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = interruption(() => {}, 'nothing was written; the same command starts again')
  stop.signal.addEventListener('abort', () => process.stdin.destroy())
  try {
    await work(stop.signal)
  } catch (error) {
    throw stop.reason ?? error
  } finally {
    stop.release()
  }
  if (stop.reason !== undefined) throw stop.reason
}

export const encoding: CommandModule = {
  command: 'encode',
  describe: 'encode texts, one a line, as vectors',
  builder: (y) =>
    y
      .options(flags(encodeFields))
      .demandOption('encoder')
      .example('$0 encode --encoder all-MiniLM-L6-v2 --input texts.txt --out texts.npy', 'vectors, texts and a card')
      .example('echo "a text" | $0 encode --encoder FOLDER', 'one line of JSON for each text'),
  handler: async (argv) => {
    const options = given(encodeFields, argv)
    if (process.stdin.isTTY && (options.input ?? '-') === '-')
      diagnostic('reading texts from the terminal, one a line; Ctrl-D ends them')
    if (options.out === undefined) await toStdout(options)
    else await stoppable((signal) => toFile(options, signal, argv.json === true))
  },
}
