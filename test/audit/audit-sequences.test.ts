import { beforeAll, describe, expect, it } from 'vitest'
import { native } from '../../lib/native.js'
import { random } from '../../lib/statistics/random.js'
import { cases } from '../cases.js'
import { audited, codesOf, corpus, findingOf, levelOf, npz, openAudit, sequences } from '../evaluate/corpus.js'

beforeAll(() => native.setThreads(1))
const DIM = 48

describe('planted in sequences', () => {
  it.each([
    [1, 'PASS', /lag 1/],
    [2, 'FAIL', /lag 2/],
    [3, 'FAIL', /lag 3/],
    [0, 'FAIL', /lag 0/],
  ] as const)('TARGET_LAG detects a target of lag %d: %s', async (lag, level, message) => {
    for (const [dim, seed] of [
      [16, 1],
      [48, 2],
    ] as const) {
      const path = await corpus({ dim, seed, rows: 2400, articles: 40 })
      const found = await audited(npz(`lag-${lag}-${dim}.npz`, sequences(path, dim, { lag })))
      expect(findingOf(found, 'TARGET_LAG')).toMatchObject({ level, message: expect.stringMatching(message) })
    }
  })
  it('the audit check TARGET_LAG detects contexts whose vectors are in reverse order', async () => {
    const found = await audited(npz('reversed.npz', sequences(await corpus({ rows: 2000 }), 32, { reversed: true })))
    expect(findingOf(found, 'TARGET_LAG')).toMatchObject({ level: 'FAIL', message: expect.stringMatching(/reversed/) })
  })
})

describe('a target in its own context', () => {
  type Cut = ReturnType<typeof sequences>
  /** Sequences after `plant` has changed a share of them, at random or in a stretch. */
  async function planted(share: number, together: boolean, plant: (context: Float32Array[], target: Float32Array) => void) {
    const cut = sequences(await corpus({ rows: 3000, articles: 60, dim: DIM, seed: 7 }), DIM)
    const n = cut.windows.length
    const is = (i: number) => (together ? i >= 0.4 * n && i < (0.4 + share) * n : random(3, i) < share)
    const made: Float32Array[] = []
    const windows = cut.windows.map((window, i) => {
      const context = Array.from({ length: cut.context }, (_, k) => cut.row(window.at + k).slice())
      const target = cut.row(window.target).slice()
      if (is(i)) plant(context, target)
      const at = made.length
      made.push(...context, target)
      return { ...window, at, target: at + cut.context }
    })
    const lines = windows.flatMap((window, i) => {
      const line = cut.lines[cut.windows[i]!.target]!
      return Array.from({ length: cut.context + 1 }, () => ({ ...line, article_id: String(window.article) }))
    })
    const changed: Cut = { ...cut, windows, lines, row: (i: number) => made[i]! }
    return audited(npz(`planted-${share}-${together}-${made.length}-${random(1, Math.round(1000 * share))}.npz`, changed))
  }
  const blend = (x: Float32Array, y: Float32Array, part: number) => {
    const sum = x.map((value, i) => (1 - part) * value + part * y[i]!)
    const length = Math.hypot(...sum)
    x.set(sum.map((value) => value / length))
  }
  it.each(
    cases(
      [0.05, 0.25, 0.5, 1].flatMap((share) => [true, false].map((together) => [share, together] as const)),
      ...[0, 3, 7],
    ),
  )(
    'a target copied or blended into its own context is reported: share %d of the sequences, in a stretch %s',
    async (share, together) => {
      const middle = await planted(share, together, (context, target) => context[2]!.set(target))
      expect(findingOf(middle, 'TARGET_IN_CONTEXT')).toMatchObject({
        level: 'FAIL',
        message: expect.stringMatching(/with a cosine above .98/),
      })
      const mixed = await planted(share, together, (context, target) => blend(context[4]!, target, 0.6))
      const level =
        share === 1 ? [levelOf(mixed, 'TARGET_LAG'), levelOf(mixed, 'TARGET_IN_CONTEXT')] : [levelOf(mixed, 'TARGET_IN_CONTEXT')]
      expect(level).toContain('FAIL')
    },
  )
  it('clean sequences do not contain their targets', async () => {
    const sound = await planted(0, false, () => {})
    expect(findingOf(sound, 'TARGET_IN_CONTEXT').level).toBe('PASS')
    expect(codesOf(sound, 'FAIL')).toEqual([])
  })
})

describe('a target that is a copy of one vector of its context', () => {
  /** Sequences whose target is a copy of the vector at a given position of their own context. */
  const copiedFrom = async (place: number, o: { context?: number; kind?: 'directed' | 'reversible' } = {}) => {
    const { context = 5, kind = 'directed' } = o
    const cut = sequences(await corpus({ kind, rows: 2400, articles: 60, dim: DIM, seed: 5 }), DIM, { context })
    const windows = cut.windows.map((window) => ({ ...window, target: window.at + place }))
    return openAudit(npz(`copy-${kind}-${context}-${place}.npz`, { ...cut, windows }), { context })
  }
  it.each([
    [0, 5, 'directed'],
    [2, 5, 'directed'],
    [3, 5, 'reversible'],
    [1, 3, 'reversible'],
    [6, 12, 'directed'],
  ] as const)(
    'a target copied from its context is reported as TARGET_IN_CONTEXT and not as another lag: position %d of %d, %s',
    async (place, context, kind) => {
      const found = await copiedFrom(place, { context, kind })
      expect(codesOf(found, 'FAIL').filter((code) => code.startsWith('TARGET'))).toEqual(['TARGET_IN_CONTEXT'])
    },
  )
  it('a target copied from the last context vector is reported as TARGET_LAG and TARGET_IN_CONTEXT', async () => {
    const found = await copiedFrom(4)
    expect(findingOf(found, 'TARGET_LAG')).toMatchObject({ level: 'FAIL', message: expect.stringMatching(/lag 0/) })
    expect(levelOf(found, 'TARGET_IN_CONTEXT')).toBe('FAIL')
  })
})
