import { PLANS } from '../../bin/stage-plans.js'
import { stageEvents } from '../../bin/stage-progress.js'
import type { Moment } from '../../lib/stages.js'
import type { Collector } from './collector.js'

const moment: Moment = {
  open: [
    { stage: 'latency', seconds: 2, done: 1, total: 3 },
    { stage: 'time', seconds: 1 },
  ],
  round: { name: 'a', number: 1, of: 2 },
}

/** Stages of a verb that answers once, and of one that prints events. */
export async function profiles({ keep, lvm, events }: Collector): Promise<void> {
  const { profile } = JSON.parse(await lvm('evaluate a --latency 0 --out P --profile')) as { profile: unknown }
  keep('--profile', profile)
  const small = '--preset tiny --epochs 1 --threads 1 --max-windows 64 --out rest'
  keep('event stage', stageEvents('evaluate', PLANS.evaluate)(moment, 3))
  keep('event profile', (await events(`train lstm --data data --profile ${small} --name p`)).at(-1))
}
