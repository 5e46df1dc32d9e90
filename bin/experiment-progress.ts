import { methodText, optionsText, scoreText } from '../lib/experiment/shown-scores.js'
import type { ExperimentEvent } from '../lib/index.js'
import { duration } from '../lib/show.js'
import { diagnostic, nearby, print } from './output.js'
import { bar, type Screen } from './progress.js'

type Of<Type extends ExperimentEvent['type']> = Extract<ExperimentEvent, { type: Type }>

/** Time between two lines about a training where a line cannot be overwritten. Units: ms. */
const QUIET = 60_000

const opening = (e: Of<'experiment'>): string => {
  const continued = e.done > 0 ? ` · continues after ${e.done} training${e.done === 1 ? '' : 's'}` : ''
  const budget = e.budget_seconds === null ? '' : ` · budget ${duration(e.budget_seconds)}`
  return [
    `experiment ${e.name}: ${e.runs} runs of ${methodText(e.method)} over ${Object.keys(e.models).join(', ')}, by ${e.metric}`,
    `data   ${nearby(e.data)}`,
    `folder ${nearby(e.folder)}${continued}${budget}`,
  ].join('\n')
}

function runLine({ run, place, best, number, of, seconds_left: left }: Of<'run'>, { metric, models }: Of<'experiment'>): string {
  const rank = place === null ? '' : ` (#${place})`
  const result =
    run.error === null ? `${metric} ${scoreText(metric, run.score)}${rank}` : `failed: ${run.error.code}: ${run.error.message}`
  const what = run.stage === 'confirm' ? `confirms ${run.config} with seed ${run.seed}` : `run ${run.index}`
  const parts = [
    `[${String(number).padStart(String(of).length)}/${of}] ${what}${run.length === null ? '' : ` to ${run.length}`}`,
    run.model,
    optionsText(run.options, models[run.model] ?? []),
    result,
    best === null ? '' : `best ${scoreText(metric, best.score)} (${best.model}, configuration ${best.config})`,
    `${duration(run.seconds)}${left === null ? '' : `, ${duration(left)} left`}`,
  ]
  return parts.filter((part) => part !== '').join(' · ')
}

/** Returns a function that prints the events of an experiment: a line per run, and a live line for the training in progress. */
export function experimentProgress(screen: Screen, now: () => number = () => performance.now()): (told: ExperimentEvent) => void {
  let started: Of<'experiment'> | undefined
  let drawn = now()
  let isOpen = false
  const clear = () => {
    if (isOpen) screen.write('\r\x1b[K')
    isOpen = false
  }
  const training = ({ id, event }: Of<'training'>) => {
    if (event.type === 'warning') diagnostic(`warning: ${id}: ${event.message}`)
    if (event.type !== 'progress' || now() - drawn < (screen.live ? 100 : QUIET)) return
    drawn = now()
    const line = `${id}  ${bar(event, undefined, (screen.live ? screen.columns() : 120) - id.length - 2)}`
    if (!screen.live) return print(line)
    screen.write(`\r${line}\x1b[K`)
    isOpen = true
  }
  return (told) => {
    if (told.type === 'training') return training(told)
    clear()
    if (told.type === 'watch') diagnostic(`watch the runs at ${told.url}`)
    if (told.type === 'experiment') {
      started = told
      print(opening(told))
    }
    if (told.type === 'run') print(runLine(told, started!))
    if (told.type === 'confirm') print(`confirming configurations ${told.configs.join(', ')} with fresh seeds: ${told.runs} runs`)
    if (told.type === 'waiting') diagnostic(`waiting for process ${told.pid}, which still writes ${told.id}`)
    if (told.type === 'again') diagnostic(`${told.id}: ${told.error.code}: ${told.error.message}; trying again`)
    if (told.type === 'warning') diagnostic(`warning: ${told.message}`)
  }
}
