import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Collector } from './collector.js'

/** Two experiments: one with confirmation and importance, and one with halving and a run that diverges. */
export async function experiments({ folder, keep, answer, events }: Collector): Promise<void> {
  const common = ['data: data', 'models: [mlp]', 'keep: 1']
  const plans = {
    searched: [
      'fixed: {preset: tiny, epochs: 1, threads: 1, maxWindows: 64}',
      'method: random',
      'search: {lr: [1e-3, 1e-2]}',
      'budget: {runs: 3, time: 1h}',
      'confirm: {top: 2, seeds: 2}',
    ],
    halved: [
      'fixed: {preset: tiny, threads: 1, maxWindows: 64, clip: 0, weightDecay: 10}',
      'search: {lr: {values: [0.001, 10]}, ema: {min: 0.5, max: 0.6, when: {lr: 0.001}}, plateauPatience: {min: 1, max: 2, when: {schedule: plateau}}, schedule: [plateau]}',
      'method: halving',
      'halving: {min: 20, max: 40, factor: 2}',
      'budget: {runs: 4}',
      'confirm: {top: 0}',
    ],
  }
  for (const [name, lines] of Object.entries(plans)) {
    writeFileSync(join(folder, `${name}.yaml`), `${[...common, ...lines].join('\n')}\n`)
    for (const event of await events(`experiment ${name}.yaml --out ${name}`)) keep(`event ${event.type} of experiment`, event)
    await answer('experiment status --json', `experiment status ${name}`)
    for (const line of readFileSync(join(folder, name, 'journal.jsonl'), 'utf8')
      .trim()
      .split('\n'))
      keep('journal.jsonl', JSON.parse(line))
    keep('report.json of experiment', JSON.parse(readFileSync(join(folder, name, 'report.json'), 'utf8')))
  }
}
