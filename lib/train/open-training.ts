import type { Store } from '../checkpoint/run-store.js'
import { requireWindows, shortestOf } from '../data/windows.js'
import type { Group } from '../ranks/group.js'
import { resolveDevice, useThreads } from '../torch/device.js'
import { useMultiplier } from '../torch/multiplier.js'
import { trainableNumbers } from './chosen-parameters.js'
import { requireLengths } from './context-lengths.js'
import { estimate, requireRoom } from './estimate.js'
import type { Opened } from './first-events.js'
import type { Initial } from './initial.js'
import { requireSameSpec } from './own-model.js'
import { threadsOf } from './ranks/shared-training.js'
import type { Start } from './resume.js'
import { openSession } from './session.js'

/** Sets device, threads and multiplier, checks memory and disk, and builds model and trainer. */
export async function openTraining(
  { plan: settings, data, from }: Start,
  { store, initial, group }: { store: Store; initial: Initial | undefined; group: Group | undefined },
): Promise<Opened> {
  const { architecture, train, model } = settings
  const device = group ? 'cpu' : resolveDevice(train.device)
  const threads = useThreads(threadsOf(group, train.threads, from !== undefined), { recorded: from && store.folder })
  const replaced = await useMultiplier(from?.facts.multiplier)
  const { dim } = data.train.base
  const { node: spec } = architecture.spec({ dim, context: data.context }, model)
  requireSameSpec(architecture, spec, from?.facts)
  requireLengths(architecture.name, spec, Math.min(shortestOf(data.train.windows), shortestOf(data.val.windows)))
  const sizes = { dim, context: data.context, dataBytes: data.bytes, ranks: group?.size }
  // counting what is not frozen takes the memory of the weights
  if (train.freeze !== undefined)
    await requireRoom(store.folder, estimate(train, spec, { ...sizes, trainable: 0 }), {
      device: 'cpu',
      dataBytes: data.bytes,
    })
  const needed = estimate(train, spec, { ...sizes, trainable: await trainableNumbers(spec, train) })
  const tight = await requireRoom(store.folder, needed, { device, dataBytes: data.bytes })
  requireWindows(data.split.train.length, train.batchSize, 'training windows')
  const session = await openSession(settings, data, {
    spec,
    device,
    threads,
    recompute: needed.recompute,
    initial,
    group,
    ...(from && { from }),
  })
  return { session, needed, tight, replaced }
}
