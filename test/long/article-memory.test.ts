import { expect, it } from 'vitest'
import { eventsOf, lvm } from '../train/programs.js'
import { historyOf, place, vectorFile } from '../train/runs.js'

const LONG = 16_384

it.each(['last', 'sequence'] as const)(
  `a training with memory and --objective %s on an article of ${LONG} vectors stays within its estimate of memory`,
  async (objective) => {
    const lengths = [LONG, ...new Array<number>(11).fill(24)]
    const data = await vectorFile('long', { articles: lengths.length, length: lengths, dim: 64 })
    const words = `train gru --data ${data} --preset tiny --history article --residual memory --objective ${objective}`
    const program = lvm(
      place(''),
      ...words.split(' '),
      ...`--epochs 1 --max-windows 512 --split-seed 1 --threads 1 --json --name ${objective}`.split(' '),
    )
    expect(await program.end, program.err()).toBe(0)
    const start = eventsOf(program).find(({ type }) => type === 'start')!
    const { memory_bytes: estimated } = start.estimate as { memory_bytes: number }
    const used = Math.max(...historyOf(place(`artifacts/lvm/models/${objective}`)).history.map((row) => row.peak_memory_bytes))
    console.log(`${objective}: ${(used / 1e6).toFixed(0)} MB of an estimate of ${(estimated / 1e6).toFixed(0)} MB`)
    expect(used).toBeLessThan(estimated)
  },
)
