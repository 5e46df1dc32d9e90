import type { MakeEvent } from '../lib/index.js'
import { bytes, count, counted, duration } from '../lib/show.js'
import { diagnostic, nearby, print } from './output.js'
import type { Screen } from './progress.js'

type Of<Type extends MakeEvent['type']> = Extract<MakeEvent, { type: Type }>

/** Time between two progress lines where a line cannot be overwritten. Units: ms */
const QUIET = 30_000

const scanned = ({ articles, rows, characters, done }: Of<'scan'>): string =>
  done
    ? `texts    ${counted(articles, 'article')} · ${counted(rows, 'sentence')} · ${bytes(characters).replace(/B$/, '')}characters, ${(characters / Math.max(rows, 1)).toFixed(0)} a sentence`
    : `reading texts  ${counted(articles, 'article')}  ${counted(rows, 'sentence')}`

const opening = (e: Of<'start'>): string =>
  [
    `encoder  ${e.encoder} · space ${e.space} · ${e.dim} dimensions · ${e.threads} ${e.threads === 1 ? 'thread' : 'threads'}`,
    `base     ${nearby(e.out)}${e.resumed ? ' · continues unfinished work' : ''}`,
  ].join('\n')

/** Progress of encoding in one line. */
export function encodingLine(e: Of<'progress'>, columns: number): string {
  const part = e.rows / e.rows_total
  const figures = [
    `${String(Math.floor(100 * part)).padStart(3)} %`,
    `${count(e.rows)} of ${counted(e.rows_total, 'sentence')}`,
    `${e.rows_per_second < 10 ? e.rows_per_second.toFixed(1) : count(e.rows_per_second)}/s`,
    ...(e.seconds_left === null ? [] : [`${duration(e.seconds_left)} left`]),
  ].join('  ')
  const room = Math.min(24, columns - figures.length - 3)
  const filled = Math.round(part * room)
  return (room < 4 ? figures : `${'█'.repeat(filled)}${'░'.repeat(room - filled)}  ${figures}`).slice(0, Math.max(1, columns - 1))
}

/** Returns a function that shows the events of `data make`: one live line on a terminal, otherwise a line every 30 s. */
export function makeProgress(screen: Screen, now: () => number = () => performance.now()): (event: MakeEvent) => void {
  let drawn = now()
  let isOpen = false
  const clear = () => {
    if (isOpen) screen.write('\r\x1b[K')
    isOpen = false
  }
  const live = (line: string) => {
    if (now() - drawn < (screen.live ? 100 : QUIET)) return
    drawn = now()
    if (!screen.live) return print(line)
    screen.write(`\r${line}\x1b[K`)
    isOpen = true
  }
  return (event) => {
    if (event.type === 'scan' && !event.done) return live(scanned(event))
    if (event.type === 'progress') {
      if (event.rows < event.rows_total) return live(encodingLine(event, screen.live ? screen.columns() : 1000))
      return clear()
    }
    clear()
    if (event.type === 'scan') print(scanned(event))
    if (event.type === 'start') print(opening(event))
    if (event.type === 'warning') diagnostic(`warning: ${event.message}`)
  }
}
