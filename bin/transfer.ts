import type { Progress } from '../lib/libtorch/sources.js'
import { bytes, oneLine } from '../lib/show.js'
import { muteLine } from './live-line.js'
import { diagnostic, event } from './output.js'

const VERBS = { wait: 'waiting for', download: 'fetching', check: 'checking', unpack: 'unpacking' }
/** What is shown: the progress of an installation. */
type Shown = Omit<Progress, 'phase'> & { readonly phase: keyof typeof VERBS }

/** Shows the progress of long work on files: one live line on a terminal, otherwise a line per file; events with --json. */
export function transfer(
  json: boolean,
  now: () => number = () => performance.now(),
): { step: (p: Shown) => void; end: () => void } {
  const live = !json && process.stderr.isTTY === true && process.env.TERM !== 'dumb'
  let last = ''
  let drawn = Number.NEGATIVE_INFINITY
  const end = () => {
    if (live && last !== '') process.stderr.write('\n')
    last = ''
  }
  const step = ({ phase, what, done, total }: Shown) => {
    const title = `${VERBS[phase]} ${oneLine(what)}`
    const fresh = title !== last
    if (!fresh && now() - drawn < (json ? 1000 : 100)) return
    drawn = now()
    muteLine()
    if (fresh) end()
    last = title
    const part = total > 0 ? `  ${Math.min(100, Math.floor((100 * done) / total))} %` : ''
    if (json) event({ type: 'progress', version: 1, phase, what, done_bytes: done, total_bytes: total || null })
    else if (live) process.stderr.write(`\r${title}${done > 0 ? `  ${bytes(done)}${part}` : ''}\x1b[K`)
    else if (fresh) diagnostic(`${title}${total > 0 ? ` (${bytes(total)})` : ''}`)
  }
  return { step, end }
}
