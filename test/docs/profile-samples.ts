import type { Collector } from './collector.js'

/** Stages of a verb that answers once, and of one that prints events. */
export async function profiles({ keep, lvm, events }: Collector): Promise<void> {
  const { profile } = JSON.parse(await lvm('evaluate a --latency 0 --out P --profile')) as { profile: unknown }
  keep('--profile', profile)
  const small = '--preset tiny --epochs 1 --threads 1 --max-windows 64'
  keep('event profile', (await events(`train lstm --data data --profile ${small} --name p`)).at(-1))
}
